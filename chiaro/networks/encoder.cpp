#include "chiaro/networks/encoder.h"

#include <ATen/ATen.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

namespace chiaro::networks {

/// Statistics → code: normalisation, linear, GELU, linear.
struct DegradationEncoder::Head : torch::nn::Module {
  Head(std::int64_t in, std::int64_t hidden, std::int64_t dimension) {
    norm = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({in})));
    first = register_module("first", torch::nn::Linear(in, hidden));
    second = register_module("second", torch::nn::Linear(hidden, dimension));
  }
  torch::nn::LayerNorm norm{nullptr};
  torch::nn::Linear first{nullptr};
  torch::nn::Linear second{nullptr};
};

DegradationEncoder::DegradationEncoder(const Options& options)
    : layout_(options.layout),
      tower_(register_module("tower", std::make_shared<nn::StatisticsTower>(options.width))),
      head_(register_module("head",
                            std::make_shared<Head>(nn::StatisticsTower::features(options.width),
                                                   options.hidden, options.layout.dimension))) {}

at::Tensor DegradationEncoder::encode(const at::Tensor& pictures) {
  const auto statistics = tower_->forward(pictures);
  // Cosines are divided by temperatures: half precision would blur them.
  const c10::impl::ExcludeDispatchKeyGuard full_precision(c10::autocast_dispatch_keyset);
  const auto hidden = at::gelu(head_->first->forward(head_->norm->forward(statistics)));
  const auto code = head_->second->forward(hidden);
  return code / (code.square().sum(1, /*keepdim=*/true) + 1e-12).sqrt();
}

}  // namespace chiaro::networks
