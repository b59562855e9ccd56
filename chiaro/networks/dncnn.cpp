// dncnn: a chain of 3×3 convolutions that predicts the damage and subtracts it.
//
//   x ─ conv ─ relu ─ (conv ─ [norm] ─ relu) × (depth − 2) ─ conv ─ − ─ restored
//   └───────────────────────────────────────────────────────────────┘
//
// Published: depth 17 (known noise level) or 20 (blind), 64 channels, batch norm in the inner
// layers. Two defaults differ. Batch norm is off: a blind network for many kinds of damage sees
// batches whose statistics jump, and running means go ill with averaged weights. The last
// convolution starts at zero instead of with random weights, so that the untrained network returns
// its input.
//
// Reference: K. Zhang, W. Zuo, Y. Chen, D. Meng, L. Zhang, "Beyond a Gaussian Denoiser: Residual
// Learning of Deep CNN for Image Denoising", 2017, arXiv:1608.03981.
#include <ATen/ops/relu.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "chiaro/networks/network.h"
#include "chiaro/networks/tapped.h"
#include "chiaro/nn/init.h"

namespace chiaro::networks {
namespace {

struct DncnnOptions {
  std::int64_t depth = 17;
  std::int64_t width = 64;
  bool batch_norm = false;

  static Fields<DncnnOptions> fields() {
    return {
        field("depth", &DncnnOptions::depth, "convolutions from input to output",
              {.min = 2, .max = 100}),
        field("width", &DncnnOptions::width, "channels between them", {.min = 1, .max = 1024}),
        field("batch_norm", &DncnnOptions::batch_norm,
              "batch norm in the inner layers, as published"),
    };
  }
};

class Dncnn : public Network, public Tapped {
 public:
  explicit Dncnn(const DncnnOptions& options);
  at::Tensor forward(const at::Tensor& x, const Condition& condition) override;
  std::vector<at::Tensor> taps(const at::Tensor& x) override;
  Geometry geometry() const override;

 private:
  /// What layer i makes of the features before it; not for the last one.
  at::Tensor hidden(std::size_t i, const at::Tensor& features);

  std::vector<torch::nn::Conv2d> convs_;
  std::vector<torch::nn::BatchNorm2d>
      norms_;  // behind convs_[1], convs_[2], …; empty without batch norm
};

Dncnn::Dncnn(const DncnnOptions& options) {
  for (std::int64_t i = 0; i < options.depth; ++i) {
    const bool first = i == 0;
    const bool last = i == options.depth - 1;
    const bool normed = options.batch_norm && !first && !last;
    const auto shape =
        torch::nn::Conv2dOptions(first ? 3 : options.width, last ? 3 : options.width, 3)
            .padding(1)
            .bias(!normed);  // the norm has one
    convs_.push_back(register_module("conv" + std::to_string(i), torch::nn::Conv2d(shape)));
    nn::init_conv(*convs_.back(), last ? 0.0 : std::numbers::sqrt2);
    if (normed)
      norms_.push_back(
          register_module("norm" + std::to_string(i), torch::nn::BatchNorm2d(options.width)));
  }
}

at::Tensor Dncnn::hidden(std::size_t i, const at::Tensor& features) {
  at::Tensor result = convs_[i]->forward(features);
  if (i > 0 && !norms_.empty()) result = norms_[i - 1]->forward(result);
  return at::relu(result);
}

at::Tensor Dncnn::forward(const at::Tensor& x, const Condition& /*condition*/) {
  at::Tensor features = x;
  for (std::size_t i = 0; i + 1 < convs_.size(); ++i) features = hidden(i, features);
  return x - convs_.back()->forward(features);
}

/// The first layer, and those after one, two and three quarters of the hidden ones.
std::vector<at::Tensor> Dncnn::taps(const at::Tensor& x) {
  const std::size_t count = convs_.size() - 1;
  std::vector<at::Tensor> maps;
  at::Tensor features = x;
  for (std::size_t i = 0; i <= 3 * count / 4 && i < count; ++i) {
    features = hidden(i, features);
    if (i == 0 || i == count / 4 || i == count / 2 || i == 3 * count / 4) maps.push_back(features);
  }
  return maps;
}

Geometry Dncnn::geometry() const {
  return {.scale = 1,
          .alignment_px = 1,
          .receptive_field_px = 2 * static_cast<std::int64_t>(convs_.size()) + 1};
}

std::shared_ptr<Network> make_dncnn(const OptionTable& table) {
  return std::make_shared<Dncnn>(parse_options<DncnnOptions>(table, "dncnn"));
}

}  // namespace

Entry dncnn() {
  return {
      .name = {},
      .summary =
          "chain of 3×3 convolutions at full resolution that predicts the damage and subtracts it",
      .reference = "Zhang, Zuo, Chen, Meng, Zhang, 2017, https://arxiv.org/abs/1608.03981",
      .options = describe_options<DncnnOptions>(),
      .make = make_dncnn};
}

}  // namespace chiaro::networks
