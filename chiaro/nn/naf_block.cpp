#include "chiaro/nn/naf_block.h"
#include "chiaro/nn/layers.h"

#include <ATen/ops/conv2d.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

namespace chiaro::nn {
namespace {

constexpr double kEpsilon = 1e-6;

torch::nn::Conv2d depthwise3x3(std::int64_t channels) {
  return torch::nn::Conv2d(
      torch::nn::Conv2dOptions(channels, channels, 3).padding(1).groups(channels));
}

}  // namespace

LayerNorm2dImpl::LayerNorm2dImpl(std::int64_t channels)
    : channels_(channels),
      weight_(register_parameter("weight", at::ones({channels}))),
      bias_(register_parameter("bias", at::zeros({channels}))),
      ones_(at::ones({1, channels, 1, 1})) {}

at::Tensor LayerNorm2dImpl::forward(const at::Tensor& x) {
  if (c10::GradMode::is_enabled()) {  // one pass back
    const auto normed =
        at::layer_norm(x.permute({0, 2, 3, 1}), {channels_}, weight_, bias_, kEpsilon);
    return normed.permute({0, 3, 1, 2});
  }
  if (ones_.device() != x.device()) ones_ = ones_.to(x.device());
  const auto values = x.to(at::kFloat);
  const auto mean = [&](const at::Tensor& v) {  // a product: runtimes keep buffers for reductions
    return at::conv2d(v, ones_) / static_cast<double>(channels_);
  };
  const auto apart = values - mean(values);
  const auto variance = mean(apart * apart);
  const auto everywhere = [](const at::Tensor& v) { return v.view({1, -1, 1, 1}); };
  return apart * (variance + kEpsilon).rsqrt() * everywhere(weight_) + everywhere(bias_);
}

at::Tensor simple_gate(const at::Tensor& x) {
  const auto halves = x.chunk(2, 1);
  return halves[0] * halves[1];
}

NafBlockImpl::NafBlockImpl(std::int64_t channels)
    : norm1_(register_module("norm1", LayerNorm2d(channels))),
      norm2_(register_module("norm2", LayerNorm2d(channels))),
      conv1_(register_module("conv1", pointwise(channels, 2 * channels))),
      depthwise_(register_module("depthwise", depthwise3x3(2 * channels))),
      sca_(register_module("sca", pointwise(channels, channels))),
      conv3_(register_module("conv3", pointwise(channels, channels))),
      conv4_(register_module("conv4", pointwise(channels, 2 * channels))),
      conv5_(register_module("conv5", pointwise(channels, channels))),
      beta_(register_parameter("beta", at::zeros({1, channels, 1, 1}))),
      gamma_(register_parameter("gamma", at::zeros({1, channels, 1, 1}))) {}

at::Tensor NafBlockImpl::forward(const at::Tensor& x) {
  const auto gated = simple_gate(depthwise_->forward(conv1_->forward(norm1_->forward(x))));
  const auto attention = sca_->forward(gated.mean(at::IntArrayRef{2, 3}, /*keepdim=*/true));
  const auto u = x + beta_ * conv3_->forward(gated * attention);
  return u + gamma_ * conv5_->forward(simple_gate(conv4_->forward(norm2_->forward(u))));
}

}  // namespace chiaro::nn
