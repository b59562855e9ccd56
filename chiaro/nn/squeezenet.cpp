#include "chiaro/nn/squeezenet.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/max_pool2d.h>
#include <fmt/format.h>
#include <torch/nn/modules/conv.h>

#include <array>
#include <numbers>

#include "chiaro/base/error.h"
#include "chiaro/nn/init.h"

namespace chiaro::nn {
namespace {

struct FireShape {
  int index;  // among torchvision's features
  std::int64_t in;
  std::int64_t squeezed;
  std::int64_t expanded;  // by each of the two convolutions
  bool pooled;            // a max pool lies in front
};

constexpr std::array<FireShape, 8> kFires = {{{3, 64, 16, 64, true},
                                              {4, 128, 16, 64, false},
                                              {6, 128, 32, 128, true},
                                              {7, 256, 32, 128, false},
                                              {9, 256, 48, 192, true},
                                              {10, 384, 48, 192, false},
                                              {11, 384, 64, 256, false},
                                              {12, 512, 64, 256, false}}};

std::vector<std::string> squeezenet_layers() {
  std::vector<std::string> layers{"relu1"};
  for (std::size_t i = 0; i < kFires.size(); ++i) layers.push_back(fmt::format("fire{}", i + 2));
  layers.emplace_back("classes");
  return layers;
}

torch::nn::Conv2d conv(torch::nn::Module& parent, const std::string& name,
                       const torch::nn::Conv2dOptions& shape) {
  auto made = parent.register_module(name, torch::nn::Conv2d(shape));
  init_conv(*made, std::numbers::sqrt2);
  return made;
}

at::Tensor pool(const at::Tensor& x) {
  return at::max_pool2d(x, {3, 3}, {2, 2}, {0, 0}, {1, 1}, true);
}

}  // namespace

Squeezenet::Squeezenet(const std::vector<std::string>& wanted)
    : FeatureExtractor("squeezenet", wanted, squeezenet_layers()) {
  normalise_as_imagenet();
  const auto features = register_module("features", std::make_shared<torch::nn::Module>());
  auto first = conv(*features, "0", torch::nn::Conv2dOptions(3, 64, 3).stride(2));
  add_stage([first](const at::Tensor& x) mutable { return rectified(first->forward(x)); });
  for (std::size_t i = 0; i < kFires.size() && i + 1 < stage_count(); ++i) {
    const FireShape& shape = kFires[i];
    const auto fire = features->register_module(std::to_string(shape.index),
                                                std::make_shared<torch::nn::Module>());
    auto squeeze = conv(*fire, "squeeze", torch::nn::Conv2dOptions(shape.in, shape.squeezed, 1));
    auto one =
        conv(*fire, "expand1x1", torch::nn::Conv2dOptions(shape.squeezed, shape.expanded, 1));
    auto three = conv(*fire, "expand3x3",
                      torch::nn::Conv2dOptions(shape.squeezed, shape.expanded, 3).padding(1));
    add_stage([squeeze, one, three, pooled = shape.pooled](const at::Tensor& x) mutable {
      const at::Tensor squeezed = rectified(squeeze->forward(pooled ? pool(x) : x));
      return at::cat({rectified(one->forward(squeezed)), rectified(three->forward(squeezed))}, 1);
    });
  }
  if (stage_count() == kFires.size() + 2) {
    const auto classifier = register_module("classifier", std::make_shared<torch::nn::Module>());
    auto last = conv(*classifier, "1", torch::nn::Conv2dOptions(512, 1000, 1));
    add_stage([last](const at::Tensor& x) mutable { return rectified(last->forward(x)); });
  }
}

NamedWeights squeezenet_weights(const std::vector<NcnnConvolution>& convolutions,
                                const std::string& origin) {
  constexpr std::size_t kExpected = 1 + 3 * kFires.size() + 1;
  CHIARO_CHECK(
      convolutions.size() == kExpected, Bundle,
      "[nn.squeezenet_weights] '{}' is no SqueezeNet 1.1; got {} convolutions; expected {}", origin,
      convolutions.size(), kExpected);
  NamedWeights weights;
  const auto put = [&](const std::string& name, const NcnnConvolution& convolution) {
    weights[name + ".weight"] = convolution.weight;
    weights[name + ".bias"] = convolution.bias;
  };
  put("features.0", convolutions.front());
  put("classifier.1", convolutions.back());
  for (std::size_t i = 0; i < kFires.size(); ++i) {
    const std::string fire = fmt::format("features.{}.", kFires[i].index);
    put(fire + "squeeze", convolutions[1 + 3 * i]);
    for (const std::size_t expand : {2 + 3 * i, 3 + 3 * i}) {
      const bool three = convolutions[expand].weight.size(2) == 3;
      put(fire + (three ? "expand3x3" : "expand1x1"), convolutions[expand]);
    }
  }
  return weights;
}

}  // namespace chiaro::nn
