// edsr: super-resolution by residual blocks at low resolution and a pixel shuffle at the end.
//
//   x ─ conv ─┬─ block × n ─ conv ─ + ─ (conv ─ shuffle) × m ─ conv ─ enlarged
//             └─────────────────────┘
//
// block: x + conv(relu(conv(x))). m shuffles: one by 2 or 3, two by 2 for ×4. The defaults are the
// published baseline (16 blocks of 64 channels: 1.37, 1.55 and 1.52 M parameters for ×2, ×3, ×4);
// the large network is blocks = 32, channels = 256. Two things differ: the values stay in [0,1]
// instead of [0,255], and the branches of the large network start small instead of being scaled by
// 0.1 for good, which trained weights can hold as well.
//
// Reference: B. Lim, S. Son, H. Kim, S. Nah, K. M. Lee, "Enhanced Deep Residual Networks for Single
// Image Super-Resolution", 2017, arXiv:1707.02921; pixel shuffle: Shi et al. 2016,
// arXiv:1609.05158.
#include <ATen/ops/pixel_shuffle.h>
#include <ATen/ops/tensor.h>
#include <torch/nn/modules/conv.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "chiaro/networks/network.h"
#include "chiaro/nn/chain.h"
#include "chiaro/nn/init.h"
#include "chiaro/nn/layers.h"
#include "chiaro/nn/residual_block.h"

namespace chiaro::networks {
namespace {

struct EdsrOptions {
  std::int64_t scale = 2;
  std::int64_t blocks = 16;
  std::int64_t channels = 64;

  static Fields<EdsrOptions> fields() {
    return {
        field("scale", &EdsrOptions::scale, "how many times larger each side becomes",
              {.min = 2, .max = 4}),
        field("blocks", &EdsrOptions::blocks, "residual blocks", {.min = 0, .max = 256}),
        field("channels", &EdsrOptions::channels, "channels between the convolutions",
              {.min = 1, .max = 1024}),
    };
  }
};

class Edsr : public Network {
 public:
  explicit Edsr(const EdsrOptions& options);
  at::Tensor forward(const at::Tensor& x, const Condition& condition) override;
  Geometry geometry() const override;

 private:
  torch::nn::Conv2d conv(const std::string& name, std::int64_t in, std::int64_t out);

  EdsrOptions options_;
  torch::nn::Conv2d head_{nullptr};
  std::shared_ptr<nn::Chain<nn::ResidualBlock>> body_;
  torch::nn::Conv2d tail_{nullptr};
  std::vector<torch::nn::Conv2d> up_;
  std::vector<std::int64_t> factors_;  // of the shuffle behind each of up_
  torch::nn::Conv2d outro_{nullptr};
  at::Tensor mean_;  // (1,3,1,1): the mean colour of the pictures it was published with (DIV2K)
};

torch::nn::Conv2d Edsr::conv(const std::string& name, std::int64_t in, std::int64_t out) {
  auto made = register_module(name, nn::conv3x3(in, out));
  nn::init_conv(*made, 1.0);
  return made;
}

Edsr::Edsr(const EdsrOptions& options) : options_(options) {
  const std::int64_t channels = options_.channels;
  head_ = conv("head", 3, channels);
  body_ = register_module(
      "body", std::make_shared<nn::Chain<nn::ResidualBlock>>(options_.blocks, channels));
  tail_ = conv("tail", channels, channels);
  factors_ = options_.scale == 4 ? std::vector<std::int64_t>{2, 2}
                                 : std::vector<std::int64_t>{options_.scale};
  for (std::size_t i = 0; i < factors_.size(); ++i)
    up_.push_back(conv("up" + std::to_string(i), channels, channels * factors_[i] * factors_[i]));
  outro_ = conv("outro", channels, 3);
  mean_ = register_buffer("mean", at::tensor({0.4488F, 0.4371F, 0.4040F}).view({1, 3, 1, 1}));
}

at::Tensor Edsr::forward(const at::Tensor& x, const Condition& /*condition*/) {
  const at::Tensor first = head_->forward(x - mean_);
  at::Tensor features = first + tail_->forward(body_->forward(first));
  for (std::size_t i = 0; i < up_.size(); ++i)
    features = at::pixel_shuffle(up_[i]->forward(features), factors_[i]);
  return outro_->forward(features) + mean_;
}

Geometry Edsr::geometry() const {
  // Head, tail and two for each block reach a pixel further each. What lies behind them reaches two
  // more at every scale: the last convolution crosses into the neighbouring pixel's block, whose
  // pixels come from a convolution one pixel wide on each side.
  return {.scale = options_.scale,
          .alignment_px = 1,
          .receptive_field_px = 2 * (2 * options_.blocks + 4) + 1};
}

std::shared_ptr<Network> make_edsr(const OptionTable& table) {
  return std::make_shared<Edsr>(parse_options<EdsrOptions>(table, "edsr"));
}

}  // namespace

Entry edsr() {
  return {.name = {},
          .summary = "super-resolution ×2, ×3 or ×4: residual blocks, then a pixel shuffle",
          .reference = "Lim, Son, Kim, Nah, Lee, 2017, https://arxiv.org/abs/1707.02921",
          .options = describe_options<EdsrOptions>(),
          .make = make_edsr};
}

}  // namespace chiaro::networks
