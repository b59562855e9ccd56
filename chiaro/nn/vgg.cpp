#include "chiaro/nn/vgg.h"

#include <ATen/ops/max_pool2d.h>
#include <fmt/format.h>
#include <torch/nn/modules/conv.h>

#include <algorithm>
#include <array>
#include <numbers>

#include "chiaro/base/error.h"
#include "chiaro/nn/init.h"

namespace chiaro::nn {
namespace {

constexpr std::int64_t kGroups = 5;

std::int64_t convolutions_in(int depth, std::int64_t group) {
  if (group <= 2) return 2;
  return depth == 19 ? 4 : 3;
}

std::vector<std::string> vgg_layers(int depth) {
  CHIARO_CHECK(depth == 16 || depth == 19, Internal, "[nn.vgg] got depth {}; expected 16 or 19",
               depth);
  std::vector<std::string> layers;
  for (std::int64_t group = 1; group <= kGroups; ++group) {
    for (std::int64_t i = 1; i <= convolutions_in(depth, group); ++i)
      layers.push_back(fmt::format("relu{}_{}", group, i));
  }
  return layers;
}

}  // namespace

Vgg::Vgg(int depth, std::int64_t width, const std::vector<std::string>& wanted)
    : FeatureExtractor("vgg", wanted, vgg_layers(depth)) {
  normalise_as_imagenet();
  const auto features = register_module("features", std::make_shared<torch::nn::Module>());
  std::int64_t index = 0;  // as torchvision counts: convolutions, activations and pools
  std::int64_t channels = 3;
  std::size_t made = 0;
  for (std::int64_t group = 1; group <= kGroups; ++group) {
    const std::int64_t out = width * std::min<std::int64_t>(8, std::int64_t{1} << (group - 1));
    for (std::int64_t i = 1; i <= convolutions_in(depth, group); ++i) {
      if (made++ == stage_count()) return;
      const bool pooled = group > 1 && i == 1;
      if (pooled) ++index;
      auto conv = features->register_module(
          std::to_string(index),
          torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, out, 3).padding(1)));
      init_conv(*conv, std::numbers::sqrt2);
      add_stage([conv, pooled](const at::Tensor& x) mutable {
        return rectified(conv->forward(pooled ? at::max_pool2d(x, {2, 2}) : x));
      });
      index += 2;
      channels = out;
    }
  }
}

}  // namespace chiaro::nn
