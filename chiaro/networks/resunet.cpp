// resunet: a plain residual U-Net, the default for processors.
//
// Dense 3×3 convolutions, ReLU, sums: nothing else, because on a processor those run near the
// arithmetic limit and everything else (norms, gates, depthwise kernels, global pooling) waits for
// memory. The shape is that of DRUNet:
//
//   x ─ intro ─ blocks ─ down ─ … ─ down ─ middle blocks ─ up ─ + ─ blocks ─ … ─ outro ─ + ─
//   restored │             └───────────────── skip ─────────────────────┘                       │
//   └──────────────────────────────────────────────────────────────────────────────────┘
//
// down: convolution, kernel 2, stride 2. up: transposed convolution, kernel 2, stride 2 (the same
// map as a 1×1 convolution with a pixel shuffle; no overlap, hence no checkerboard of its own).
// Skips are sums. The last convolution starts at zero, so the untrained network returns its input.
//
// Reference: K. Zhang, Y. Li, W. Zuo, L. Zhang, L. Van Gool, R. Timofte, "Plug-and-Play Image
// Restoration with Deep Denoiser Prior", 2021, arXiv:2008.13751 (shape); Ronneberger et al. 2015,
// arXiv:1505.04597 (U-Net).
#include <torch/nn/modules/conv.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "chiaro/networks/network.h"
#include "chiaro/nn/chain.h"
#include "chiaro/nn/init.h"
#include "chiaro/nn/reach.h"
#include "chiaro/nn/residual_block.h"

namespace chiaro::networks {
namespace {

struct ResunetOptions {
  std::vector<std::int64_t> channels = {16, 32, 64, 96, 128};
  std::vector<std::int64_t> encoder_blocks = {1, 2, 2, 2};
  std::int64_t middle_blocks = 2;
  std::vector<std::int64_t> decoder_blocks = {2, 2, 2, 2};

  static Fields<ResunetOptions> fields() {
    return {
        field("channels", &ResunetOptions::channels,
              "channels of each level, finest first; every further level halves the sides",
              {.min = 1, .max = 1024}),
        field("encoder_blocks", &ResunetOptions::encoder_blocks,
              "residual blocks on the way down, one number for each level but the last",
              {.min = 0, .max = 64}),
        field("middle_blocks", &ResunetOptions::middle_blocks,
              "residual blocks of the last, coarsest level", {.min = 0, .max = 64}),
        field("decoder_blocks", &ResunetOptions::decoder_blocks,
              "residual blocks on the way up, one number for each level but the last",
              {.min = 0, .max = 64}),
    };
  }
};

using Blocks = nn::Chain<nn::ResidualBlock>;

torch::nn::Conv2d conv3x3(std::int64_t in, std::int64_t out) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 3).padding(1));
}

class Resunet : public Network {
 public:
  explicit Resunet(const ResunetOptions& options);
  at::Tensor forward(const at::Tensor& x, const Condition& condition) override;
  Geometry geometry() const override;

 private:
  ResunetOptions options_;
  torch::nn::Conv2d intro_{nullptr};
  // One entry for each level but the coarsest, finest first:
  std::vector<std::shared_ptr<Blocks>> encoder_;
  std::vector<torch::nn::Conv2d> down_;
  std::vector<torch::nn::ConvTranspose2d> up_;
  std::vector<std::shared_ptr<Blocks>> decoder_;

  std::shared_ptr<Blocks> middle_;
  torch::nn::Conv2d outro_{nullptr};
};

Resunet::Resunet(const ResunetOptions& options) : options_(options) {
  const auto& channels = options_.channels;
  const std::size_t levels = channels.size() - 1;
  intro_ = register_module("intro", conv3x3(3, channels.front()));
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
  outro_ = register_module("outro", conv3x3(channels.front(), 3));
  nn::init_conv(*outro_, 0.0);
}

at::Tensor Resunet::forward(const at::Tensor& x, const Condition& /*condition*/) {
  std::vector<at::Tensor> skips;
  at::Tensor features = intro_->forward(x);
  for (std::size_t i = 0; i < encoder_.size(); ++i) {
    features = encoder_[i]->forward(features);
    skips.push_back(features);
    features = down_[i]->forward(features);
  }
  features = middle_->forward(features);
  for (std::size_t i = encoder_.size(); i-- > 0;) {
    features = decoder_[i]->forward(up_[i]->forward(features) + skips[i]);
  }
  return x + outro_->forward(features);
}

Geometry Resunet::geometry() const {
  const auto convs = [](std::vector<std::int64_t> blocks) {
    for (auto& count : blocks) count *= 2;
    return blocks;
  };
  return {.scale = 1,
          .alignment_px = std::int64_t{1} << encoder_.size(),
          .receptive_field_px =
              nn::u_shape_receptive_field_px({.outer_convs = 1,
                                              .encoder_convs = convs(options_.encoder_blocks),
                                              .middle_convs = 2 * options_.middle_blocks,
                                              .decoder_convs = convs(options_.decoder_blocks)})};
}

std::shared_ptr<Network> make_resunet(const OptionTable& table) {
  const auto options = parse_options<ResunetOptions>(table, "resunet");
  CHIARO_CHECK(
      !options.channels.empty() && options.channels.size() <= 9, Usage,
      "[networks.resunet] channels needs one number for each level; got {}; expected 1 to 9",
      options.channels.size());
  const std::size_t levels = options.channels.size() - 1;
  const auto check_blocks = [&](const char* name, const std::vector<std::int64_t>& blocks) {
    CHIARO_CHECK(blocks.size() == levels, Usage,
                 "[networks.resunet] {} needs one number for each level but the coarsest; got {}; "
                 "expected {}",
                 name, blocks.size(), levels);
  };
  check_blocks("encoder_blocks", options.encoder_blocks);
  check_blocks("decoder_blocks", options.decoder_blocks);
  return std::make_shared<Resunet>(options);
}

}  // namespace

Entry resunet() {
  return {
      .name = {},
      .summary = "plain residual U-Net: dense 3×3 convolutions only, the default for processors",
      .reference = "shape after Zhang et al. 2021, https://arxiv.org/abs/2008.13751",
      .options = describe_options<ResunetOptions>(),
      .make = make_resunet};
}

}  // namespace chiaro::networks
