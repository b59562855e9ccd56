// ffa_net: dehazing by residual blocks at full resolution that weigh channels and pixels.
//
//   n = (x − mean) / deviation
//   f₀ = conv(n),   f_g = f_{g−1} + conv(block × b (f_{g−1}))          groups g = 1 … G
//   w = C([f₁ … f_G]),   f = Σ_g w_g ⊙ f_g                             fusion
//   y = n + conv(conv(f ⊙ P(f)))
//
// block: r = conv(x + relu(conv(x))), r ← r ⊙ C(r), x + r ⊙ P(r). Both gates are
// sigmoid(1×1(relu(1×1(·)))): C of the channels' means over the whole picture, a weight for each
// channel; P of each pixel, a weight for the pixel. So a tile's result differs from the whole
// picture's (global_statistics).
//
// The defaults are the published network: 3 groups of 19 blocks, 64 channels, 4,455,913 parameters.
// Its authors normalise pictures before they reach the network; here mean and deviation are part of
// it. The sum at the end is with the normalised picture, as published, so an untrained network does
// not return its input.
//
// Reference: X. Qin, Z. Wang, Y. Bai, X. Xie, H. Jia, "FFA-Net: Feature Fusion Attention Network
// for Single Image Dehazing", 2020, arXiv:1911.07559.
#include <ATen/ops/cat.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tensor.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/pimpl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "chiaro/networks/network.h"
#include "chiaro/nn/chain.h"
#include "chiaro/nn/layers.h"

namespace chiaro::networks {
namespace {

struct FfaNetOptions {
  std::int64_t groups = 3;
  std::int64_t blocks = 19;
  std::int64_t channels = 64;

  static Fields<FfaNetOptions> fields() {
    return {
        field("groups", &FfaNetOptions::groups, "groups in a row, whose results are fused",
              {.min = 1, .max = 16}),
        field("blocks", &FfaNetOptions::blocks, "blocks of a group", {.min = 0, .max = 256}),
        field("channels", &FfaNetOptions::channels, "channels between the convolutions",
              {.min = 16, .max = 1024}),
    };
  }
};

constexpr std::int64_t kGateReduction = 8;     // of a gate's hidden channels in a block
constexpr std::int64_t kFusionReduction = 16;  // and where the groups are fused

at::Tensor channel_means(const at::Tensor& x) {
  return x.mean(at::IntArrayRef{2, 3}, /*keepdim=*/true);
}

/// Weights in (0,1): (N,in,H,W) → (N,out,H,W), each pixel by itself.
class FfaGate : public torch::nn::Module {
 public:
  FfaGate(std::int64_t in, std::int64_t hidden, std::int64_t out)
      : squeeze_(register_module("squeeze", nn::pointwise(in, hidden))),
        excite_(register_module("excite", nn::pointwise(hidden, out))) {}

  at::Tensor forward(const at::Tensor& x) {
    return at::sigmoid(excite_->forward(at::relu(squeeze_->forward(x))));
  }

 private:
  torch::nn::Conv2d squeeze_, excite_;
};

std::shared_ptr<FfaGate> pixel_gate(std::int64_t channels) {
  return std::make_shared<FfaGate>(channels, channels / kGateReduction, 1);
}

class FfaBlockImpl : public torch::nn::Module {
 public:
  explicit FfaBlockImpl(std::int64_t channels)
      : conv1_(register_module("conv1", nn::conv3x3(channels, channels))),
        conv2_(register_module("conv2", nn::conv3x3(channels, channels))),
        of_channels_(register_module(
            "of_channels",
            std::make_shared<FfaGate>(channels, channels / kGateReduction, channels))),
        of_pixels_(register_module("of_pixels", pixel_gate(channels))) {}

  at::Tensor forward(const at::Tensor& x) {
    at::Tensor branch = conv2_->forward(x + at::relu(conv1_->forward(x)));
    branch = branch * of_channels_->forward(channel_means(branch));
    return x + branch * of_pixels_->forward(branch);
  }

 private:
  torch::nn::Conv2d conv1_, conv2_;
  std::shared_ptr<FfaGate> of_channels_, of_pixels_;
};
TORCH_MODULE(FfaBlock);

class FfaNet : public Network {
 public:
  explicit FfaNet(const FfaNetOptions& options);
  at::Tensor forward(const at::Tensor& x, const Condition& condition) override;
  Geometry geometry() const override;

 private:
  using Blocks = nn::Chain<FfaBlock>;

  FfaNetOptions options_;
  torch::nn::Conv2d head_{nullptr};
  std::vector<std::shared_ptr<Blocks>> groups_;
  std::vector<torch::nn::Conv2d> ends_;  // one behind each group
  std::shared_ptr<FfaGate> of_groups_;
  std::shared_ptr<FfaGate> of_pixels_;
  torch::nn::Conv2d tail_{nullptr}, outro_{nullptr};
  // (1,3,1,1), as published: colours of hazy pictures (RESIDE).
  at::Tensor mean_, deviation_;
};

FfaNet::FfaNet(const FfaNetOptions& options) : options_(options) {
  const std::int64_t channels = options_.channels;
  head_ = register_module("head", nn::conv3x3(3, channels));
  for (std::int64_t g = 0; g < options_.groups; ++g) {
    const std::string group = "group" + std::to_string(g);
    groups_.push_back(register_module(group, std::make_shared<Blocks>(options_.blocks, channels)));
    ends_.push_back(register_module(group + "_end", nn::conv3x3(channels, channels)));
  }
  const std::int64_t all = options_.groups * channels;
  of_groups_ = register_module("of_groups",
                               std::make_shared<FfaGate>(all, channels / kFusionReduction, all));
  of_pixels_ = register_module("of_pixels", pixel_gate(channels));
  tail_ = register_module("tail", nn::conv3x3(channels, channels));
  outro_ = register_module("outro", nn::conv3x3(channels, 3));
  mean_ = register_buffer("mean", at::tensor({0.64F, 0.60F, 0.58F}).view({1, 3, 1, 1}));
  deviation_ = register_buffer("deviation", at::tensor({0.14F, 0.15F, 0.152F}).view({1, 3, 1, 1}));
}

at::Tensor FfaNet::forward(const at::Tensor& x, const Condition& /*condition*/) {
  const at::Tensor normal = (x - mean_) / deviation_;
  std::vector<at::Tensor> stages;
  at::Tensor features = head_->forward(normal);
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    features = features + ends_[g]->forward(groups_[g]->forward(features));
    stages.push_back(features);
  }
  const at::Tensor weights = of_groups_->forward(channel_means(at::cat(stages, 1)));
  at::Tensor fused;
  for (std::size_t g = 0; g < stages.size(); ++g) {
    const auto first = static_cast<std::int64_t>(g) * options_.channels;
    const at::Tensor part = stages[g] * weights.narrow(1, first, options_.channels);
    fused = g == 0 ? part : fused + part;
  }
  fused = fused * of_pixels_->forward(fused);
  return normal + outro_->forward(tail_->forward(fused));
}

Geometry FfaNet::geometry() const {
  // The receptive field is that of the 3×3 convolutions: head, tail and outro, two in each block
  // and one behind each group; the channel means reach the whole picture.
  const std::int64_t convs = 3 + options_.groups * (2 * options_.blocks + 1);
  return {.scale = 1,
          .alignment_px = 1,
          .receptive_field_px = 2 * convs + 1,
          .global_statistics = true};
}

std::shared_ptr<Network> make_ffa_net(const OptionTable& table) {
  return std::make_shared<FfaNet>(parse_options<FfaNetOptions>(table, "ffa_net"));
}

}  // namespace

Entry ffa_net() {
  return {.name = {},
          .summary = "dehazing: residual blocks at full resolution that weigh channels and pixels",
          .reference = "Qin, Wang, Bai, Xie, Jia, 2020, https://arxiv.org/abs/1911.07559",
          .options = describe_options<FfaNetOptions>(),
          .make = make_ffa_net};
}

}  // namespace chiaro::networks
