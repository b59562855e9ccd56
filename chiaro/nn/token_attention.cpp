#include "chiaro/nn/token_attention.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "chiaro/nn/init.h"
#include "chiaro/nn/layers.h"

namespace chiaro::nn {
namespace {

torch::nn::Linear projection(std::int64_t in, std::int64_t out) {
  return torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(false));
}

}  // namespace

TokenAttentionImpl::TokenAttentionImpl(std::int64_t channels, std::int64_t token_width,
                                       std::int64_t heads)
    : heads_(heads),
      head_width_(std::max<std::int64_t>(8, channels / (2 * heads))),
      norm_(register_module("norm", LayerNorm2d(channels))),
      query_(register_module("query", pointwise(channels, heads_ * head_width_))),
      out_(register_module("out", pointwise(heads_ * head_width_, channels))),
      key_(register_module("key", projection(token_width, heads_ * head_width_))),
      value_(register_module("value", projection(token_width, heads_ * head_width_))) {
  init_conv(*query_, 1.0);
  init_conv(*out_, 0.0);
}

at::Tensor TokenAttentionImpl::forward(const at::Tensor& features, const at::Tensor& tokens) {
  const auto batch = features.size(0);
  const auto height = features.size(2);
  const auto width = features.size(3);
  const auto split = [&](const at::Tensor& projected) {  // (N,h,M,d)
    return projected.view({projected.size(0), projected.size(1), heads_, head_width_})
        .permute({0, 2, 1, 3});
  };
  const at::Tensor queries = query_->forward(norm_->forward(features))
                                 .reshape({batch, heads_, head_width_, height * width});
  const at::Tensor keys = split(key_->forward(tokens));
  const at::Tensor values = split(value_->forward(tokens));
  const at::Tensor logits =
      at::matmul(keys, queries) * (1.0 / std::sqrt(static_cast<double>(head_width_)));
  const at::Tensor mixed = at::matmul(values.transpose(2, 3), at::softmax(logits, 2));
  return features + out_->forward(mixed.reshape({batch, heads_ * head_width_, height, width}));
}

}  // namespace chiaro::nn
