// nafnet: a U-Net of blocks without activation functions.
//
// The published layout: 3×3 intro, levels of NAF blocks with channels doubling and sides halving
// from level to level (convolution, kernel 2, stride 2), the same way back (1×1 convolution without
// bias, pixel shuffle), skips as sums, 3×3 outro, sum with the input. Every block weighs its
// channels by their means over the whole picture, so a tile's result differs from the whole
// picture's (global_statistics).
//
// Published sizes for width 32: 17.11 M parameters with encoder 1-1-1-28, middle 1, decoder 1-1-1-1
// (GoPro) and 29.16 M with encoder 2-2-4-8, middle 12, decoder 2-2-2-2 (SIDD, the default here).
//
// Reference: L. Chen, X. Chu, X. Zhang, J. Sun, "Simple Baselines for Image Restoration", 2022,
// arXiv:2204.04676.
#include <ATen/ops/pixel_shuffle.h>
#include <torch/nn/modules/conv.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "chiaro/networks/network.h"
#include "chiaro/nn/chain.h"
#include "chiaro/nn/layers.h"
#include "chiaro/nn/naf_block.h"
#include "chiaro/nn/reach.h"

namespace chiaro::networks {
namespace {

struct NafnetOptions {
  std::int64_t width = 32;
  std::vector<std::int64_t> encoder_blocks = {2, 2, 4, 8};
  std::int64_t middle_blocks = 12;
  std::vector<std::int64_t> decoder_blocks = {2, 2, 2, 2};

  static Fields<NafnetOptions> fields() {
    return {
        field("width", &NafnetOptions::width,
              "channels of the finest level; every further level doubles them",
              {.min = 1, .max = 512}),
        field("encoder_blocks", &NafnetOptions::encoder_blocks,
              "blocks on the way down, one number for each level but the last, finest first",
              {.min = 0, .max = 64}),
        field("middle_blocks", &NafnetOptions::middle_blocks, "blocks of the last, coarsest level",
              {.min = 0, .max = 64}),
        field("decoder_blocks", &NafnetOptions::decoder_blocks,
              "blocks on the way up, one number for each level but the last, finest first",
              {.min = 0, .max = 64}),
    };
  }
};

using Blocks = nn::Chain<nn::NafBlock>;

class Nafnet : public Network {
 public:
  explicit Nafnet(const NafnetOptions& options);
  at::Tensor forward(const at::Tensor& x, const Condition& condition) override;
  Geometry geometry() const override;

 private:
  NafnetOptions options_;
  torch::nn::Conv2d intro_{nullptr};
  // One entry for each level but the coarsest, finest first:
  std::vector<std::shared_ptr<Blocks>> encoder_;
  std::vector<torch::nn::Conv2d> down_;
  std::vector<torch::nn::Conv2d> up_;
  std::vector<std::shared_ptr<Blocks>> decoder_;

  std::shared_ptr<Blocks> middle_;
  torch::nn::Conv2d outro_{nullptr};
};

Nafnet::Nafnet(const NafnetOptions& options) : options_(options) {
  const std::size_t levels = options_.encoder_blocks.size();
  intro_ = register_module("intro", nn::conv3x3(3, options_.width));
  std::int64_t channels = options_.width;
  for (std::size_t i = 0; i < levels; ++i) {
    const std::string level = std::to_string(i);
    encoder_.push_back(register_module(
        "encoder" + level, std::make_shared<Blocks>(options_.encoder_blocks[i], channels)));
    const auto halving = torch::nn::Conv2dOptions(channels, 2 * channels, 2).stride(2);
    down_.push_back(register_module("down" + level, torch::nn::Conv2d(halving)));
    channels *= 2;
  }
  middle_ = register_module("middle", std::make_shared<Blocks>(options_.middle_blocks, channels));
  channels = options_.width;
  for (std::size_t i = 0; i < levels; ++i) {
    const std::string level = std::to_string(i);
    // 2c → 4c channels, of which the pixel shuffle makes c channels with doubled sides.
    const auto doubling = torch::nn::Conv2dOptions(2 * channels, 4 * channels, 1).bias(false);
    up_.push_back(register_module("up" + level, torch::nn::Conv2d(doubling)));
    decoder_.push_back(register_module(
        "decoder" + level, std::make_shared<Blocks>(options_.decoder_blocks[i], channels)));
    channels *= 2;
  }
  outro_ = register_module("outro", nn::conv3x3(options_.width, 3));
}

at::Tensor Nafnet::forward(const at::Tensor& x, const Condition& /*condition*/) {
  std::vector<at::Tensor> skips;
  at::Tensor features = intro_->forward(x);
  for (std::size_t i = 0; i < encoder_.size(); ++i) {
    features = encoder_[i]->forward(features);
    skips.push_back(features);
    features = down_[i]->forward(features);
  }
  features = middle_->forward(features);
  for (std::size_t i = encoder_.size(); i-- > 0;) {
    features = decoder_[i]->forward(at::pixel_shuffle(up_[i]->forward(features), 2) + skips[i]);
  }
  return x + outro_->forward(features);
}

Geometry Nafnet::geometry() const {
  // The receptive field is that of the convolutions, one 3×3 in each block; the channel means reach
  // the whole picture.
  return {.scale = 1,
          .alignment_px = std::int64_t{1} << encoder_.size(),
          .receptive_field_px =
              nn::u_shape_receptive_field_px({.outer_convs = 1,
                                              .encoder_convs = options_.encoder_blocks,
                                              .middle_convs = options_.middle_blocks,
                                              .decoder_convs = options_.decoder_blocks}),
          .global_statistics = true};
}

std::shared_ptr<Network> make_nafnet(const OptionTable& table) {
  const auto options = parse_options<NafnetOptions>(table, "nafnet");
  CHIARO_CHECK(options.encoder_blocks.size() <= 6, Usage,
               "[networks.nafnet] encoder_blocks has too many levels; got {}; expected at most 6",
               options.encoder_blocks.size());
  CHIARO_CHECK(options.decoder_blocks.size() == options.encoder_blocks.size(), Usage,
               "[networks.nafnet] decoder_blocks needs as many numbers as encoder_blocks; got {}; "
               "expected {}",
               options.decoder_blocks.size(), options.encoder_blocks.size());
  return std::make_shared<Nafnet>(options);
}

}  // namespace

Entry nafnet() {
  return {.name = {},
          .summary =
              "U-Net of blocks without activation functions; strong per multiplication, slow on a "
              "processor",
          .reference = "Chen, Chu, Zhang, Sun, 2022, https://arxiv.org/abs/2204.04676",
          .options = describe_options<NafnetOptions>(),
          .make = make_nafnet};
}

}  // namespace chiaro::networks
