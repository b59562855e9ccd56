#include "chiaro/nn/small_encoder.h"

#include <torch/nn/modules/conv.h>

#include <array>
#include <numbers>

#include "chiaro/nn/init.h"
#include "chiaro/nn/residual_block.h"

namespace chiaro::nn {
namespace {

constexpr std::array<std::int64_t, 4> kChannels = {32, 64, 128, 192};

}  // namespace

SmallEncoder::SmallEncoder(const std::vector<std::string>& wanted)
    : FeatureExtractor("encoder", wanted, {"stage1", "stage2", "stage3", "stage4"}) {
  normalise_as_imagenet();
  std::int64_t channels = 3;
  for (std::size_t i = 0; i < stage_count(); ++i) {
    const std::string number = std::to_string(i + 1);
    const auto shape = i == 0 ? torch::nn::Conv2dOptions(channels, kChannels[i], 3).padding(1)
                              : torch::nn::Conv2dOptions(channels, kChannels[i], 2).stride(2);
    auto entrance = register_module(i == 0 ? "stem" : "down" + number, torch::nn::Conv2d(shape));
    init_conv(*entrance, std::numbers::sqrt2);
    auto block = register_module("block" + number, ResidualBlock(kChannels[i]));
    add_stage([entrance, block](const at::Tensor& x) mutable {
      return block->forward(rectified(entrance->forward(x)));
    });
    channels = kChannels[i];
  }
}

}  // namespace chiaro::nn
