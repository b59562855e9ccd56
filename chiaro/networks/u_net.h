// The plain U-shape that several entries share: convolutions and sums around a block of choice.
//
//   x ─ intro ─ blocks ─ down ─ … ─ down ─ middle blocks ─ up ─ + ─ blocks ─ … ─ outro ─ + ─
//   restored │             └───────────────── skip ─────────────────────┘                       │
//   └──────────────────────────────────────────────────────────────────────────────────┘
//
// down: convolution, kernel 2, stride 2. up: transposed convolution, kernel 2, stride 2 (the same
// map as a 1×1 convolution with a pixel shuffle; no overlap, hence no checkerboard of its own).
// Skips are sums. The last convolution starts at zero, so the untrained network returns its input.
// The shape is that of DRUNet (Zhang et al. 2021, arXiv:2008.13751).
#pragma once

#include <torch/nn/modules/conv.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "chiaro/networks/network.h"
#include "chiaro/networks/tapped.h"
#include "chiaro/nn/chain.h"
#include "chiaro/nn/init.h"
#include "chiaro/nn/layers.h"
#include "chiaro/nn/reach.h"

namespace chiaro::networks {

struct UNetOptions {
  std::vector<std::int64_t> channels = {16, 32, 64, 96, 128};
  std::vector<std::int64_t> encoder_blocks = {1, 2, 2, 2};
  std::int64_t middle_blocks = 2;
  std::vector<std::int64_t> decoder_blocks = {2, 2, 2, 2};

  static Fields<UNetOptions> fields();
};

/// Channels of what enters the first convolution and leaves the last one.
struct UNetEnds {
  std::int64_t in = 3;
  std::int64_t out = 3;
};

/// Errors: Usage, naming the network, where the lists do not fit together.
void check_u_net(const UNetOptions& options, const std::string& network);

/// Block: a module holder built from a channel number, (N,C,H,W) → the same shape. kConvs: how many
/// 3×3 convolutions lie one behind the other in it.
template <typename Block, std::int64_t kConvs>
class UNet : public Network, public Tapped {
 public:
  explicit UNet(const UNetOptions& options, UNetEnds ends = {});

  at::Tensor forward(const at::Tensor& x, const Condition& /*condition*/ = {}) override {
    return run(x, [](std::size_t, const at::Tensor& features) { return features; });
  }

  /// What the first convolution, the blocks of each level on the way down and the coarsest ones
  /// give.
  std::vector<at::Tensor> taps(const at::Tensor& x) override {
    std::vector<at::Tensor> maps{intro_->forward(x)};
    at::Tensor features = maps.front();
    for (std::size_t i = 0; i < encoder_.size(); ++i) {
      maps.push_back(encoder_[i]->forward(features));
      features = down_[i]->forward(maps.back());
    }
    maps.push_back(middle_->forward(features));
    return maps;
  }

  Geometry geometry() const override {
    const auto convs = [](std::vector<std::int64_t> blocks) {
      for (auto& count : blocks) count *= kConvs;
      return blocks;
    };
    return {.scale = 1,
            .alignment_px = std::int64_t{1} << encoder_.size(),
            .receptive_field_px =
                nn::u_shape_receptive_field_px({.outer_convs = 1,
                                                .encoder_convs = convs(options_.encoder_blocks),
                                                .middle_convs = kConvs * options_.middle_blocks,
                                                .decoder_convs = convs(options_.decoder_blocks)})};
  }

 protected:
  /// Called with the features that enter the blocks of a stage; gives what enters instead. Stages
  /// in the order of execution: encoder from fine to coarse, middle, decoder from coarse to fine.
  using Entering = std::function<at::Tensor(std::size_t stage, const at::Tensor& features)>;

  /// What the last convolution says, (N,out,H,W).
  at::Tensor change(const at::Tensor& x, const Entering& entering);
  at::Tensor run(const at::Tensor& x, const Entering& entering) { return x + change(x, entering); }

  /// Channels of every stage, in the order of execution.
  std::vector<std::int64_t> stage_channels() const {
    std::vector<std::int64_t> all = options_.channels;
    for (std::size_t i = encoder_.size(); i-- > 0;) all.push_back(options_.channels[i]);
    return all;
  }

 private:
  using Blocks = nn::Chain<Block>;

  UNetOptions options_;
  torch::nn::Conv2d intro_{nullptr};
  // One entry for each level but the coarsest, finest first:
  std::vector<std::shared_ptr<Blocks>> encoder_;
  std::vector<torch::nn::Conv2d> down_;
  std::vector<torch::nn::ConvTranspose2d> up_;
  std::vector<std::shared_ptr<Blocks>> decoder_;

  std::shared_ptr<Blocks> middle_;
  torch::nn::Conv2d outro_{nullptr};
};

template <typename Block, std::int64_t kConvs>
UNet<Block, kConvs>::UNet(const UNetOptions& options, UNetEnds ends) : options_(options) {
  const auto& channels = options_.channels;
  const std::size_t levels = channels.size() - 1;
  intro_ = register_module("intro", nn::conv3x3(ends.in, channels.front()));
  nn::init_conv(*intro_, 1.0);
  for (std::size_t i = 0; i < levels; ++i) {
    const std::string level = std::to_string(i);
    encoder_.push_back(register_module(
        "encoder" + level, std::make_shared<Blocks>(options_.encoder_blocks[i], channels[i])));
    const auto halving = torch::nn::Conv2dOptions(channels[i], channels[i + 1], 2).stride(2);
    down_.push_back(register_module("down" + level, torch::nn::Conv2d(halving)));
    nn::init_conv(*down_.back(), 1.0);
  }
  middle_ =
      register_module("middle", std::make_shared<Blocks>(options_.middle_blocks, channels.back()));
  for (std::size_t i = 0; i < levels; ++i) {
    const std::string level = std::to_string(i);
    const auto doubling =
        torch::nn::ConvTranspose2dOptions(channels[i + 1], channels[i], 2).stride(2);
    up_.push_back(register_module("up" + level, torch::nn::ConvTranspose2d(doubling)));
    nn::init_upsampling(*up_.back(), 1.0);
    decoder_.push_back(register_module(
        "decoder" + level, std::make_shared<Blocks>(options_.decoder_blocks[i], channels[i])));
  }
  outro_ = register_module("outro", nn::conv3x3(channels.front(), ends.out));
  nn::init_conv(*outro_, 0.0);
}

template <typename Block, std::int64_t kConvs>
at::Tensor UNet<Block, kConvs>::change(const at::Tensor& x, const Entering& entering) {
  std::vector<at::Tensor> skips;
  std::size_t stage = 0;
  at::Tensor features = intro_->forward(x);
  for (std::size_t i = 0; i < encoder_.size(); ++i) {
    features = encoder_[i]->forward(entering(stage++, features));
    skips.push_back(features);
    features = down_[i]->forward(features);
  }
  features = middle_->forward(entering(stage++, features));
  for (std::size_t i = encoder_.size(); i-- > 0;) {
    features = up_[i]->forward(features) + skips[i];
    features = decoder_[i]->forward(entering(stage++, features));
  }
  return outro_->forward(features);
}

}  // namespace chiaro::networks
