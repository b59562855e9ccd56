#include "chiaro/networks/code_head.h"

#include <ATen/ATen.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include "chiaro/nn/layers.h"

namespace chiaro::networks {

CodeHead::CodeHead(std::int64_t in, std::int64_t hidden, std::int64_t dimension)
    : norm_(register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({in})))),
      first_(register_module("first", torch::nn::Linear(in, hidden))),
      second_(register_module("second", torch::nn::Linear(hidden, dimension))) {}

at::Tensor CodeHead::forward(const at::Tensor& features) {
  // Cosines are divided by temperatures: half precision would blur them.
  const c10::impl::ExcludeDispatchKeyGuard full_precision(c10::autocast_dispatch_keyset);
  const auto hidden = at::gelu(first_->forward(norm_->forward(features)));
  return nn::unit_rows(second_->forward(hidden));
}

}  // namespace chiaro::networks
