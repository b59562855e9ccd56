#include "chiaro/nn/feature_extractor.h"

#include <ATen/ops/relu.h>
#include <ATen/ops/tensor.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <algorithm>
#include <optional>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"
#include "chiaro/nn/generator_scope.h"
#include "chiaro/nn/small_encoder.h"
#include "chiaro/nn/squeezenet.h"
#include "chiaro/nn/vgg.h"
#include "chiaro/nn/weight_file.h"

namespace chiaro::nn {
namespace {

class Pixels : public FeatureExtractor {
 public:
  explicit Pixels(std::vector<std::string> wanted)
      : FeatureExtractor("pixels", std::move(wanted), {"pixels"}) {
    add_stage([](const at::Tensor& x) { return x; });
  }
};

void expect_network(const std::string& name) {
  const auto& known = feature_networks();
  CHIARO_CHECK(
      std::ranges::count(known, name) > 0, Usage,
      "[nn.make_feature_extractor] unknown network of features; got '{}'; expected one of: "
      "{}{}",
      name, join(known), did_you_mean(name, known));
}

NamedWeights read_weights(const FeatureOptions& options) {
  const bool ncnn = options.network == "squeezenet" && options.file.ends_with(".param");
  return ncnn ? squeezenet_weights(read_ncnn_convolutions(options.file), options.file)
              : read_safetensors_weights(options.file);
}

}  // namespace

FeatureExtractor::FeatureExtractor(std::string kind, std::vector<std::string> wanted,
                                   const std::vector<std::string>& known)
    : kind_(std::move(kind)), wanted_(std::move(wanted)) {
  CHIARO_CHECK(!wanted_.empty(), Usage, "[nn.{}] no layer is named; expected some of: {}", kind_,
               join(known));
  for (const auto& layer : wanted_) {
    const auto found = std::ranges::find(known, layer);
    CHIARO_CHECK(found != known.end(), Usage,
                 "[nn.{}] unknown layer; got '{}'; expected some of: {}{}", kind_, layer,
                 join(known), did_you_mean(layer, known));
    CHIARO_CHECK(std::ranges::count(wanted_, layer) == 1, Usage,
                 "[nn.{}] a layer is named twice; got '{}'; expected it once", kind_, layer);
    taps_.push_back(static_cast<std::size_t>(found - known.begin()));
    stage_count_ = std::max(stage_count_, taps_.back() + 1);
  }
}

void FeatureExtractor::normalise_as_imagenet() {
  mean_ = register_buffer("mean", at::tensor({0.485F, 0.456F, 0.406F}).view({1, 3, 1, 1}));
  deviation_ =
      register_buffer("deviation", at::tensor({0.229F, 0.224F, 0.225F}).view({1, 3, 1, 1}));
}

at::Tensor FeatureExtractor::rectified(at::Tensor x) {
  return at::relu_(x);
}

std::vector<at::Tensor> FeatureExtractor::forward(const at::Tensor& x) {
  std::optional<c10::impl::ExcludeDispatchKeyGuard> no_autocast;
  if (!precision_of_run_) no_autocast.emplace(c10::autocast_dispatch_keyset);
  const auto weights = parameters();
  if (!weights.empty() && weights.front().device() != x.device()) to(x.device());
  at::Tensor features = x.to(at::kFloat);
  if (mean_.defined()) features = (features - mean_) / deviation_;
  std::vector<at::Tensor> results(wanted_.size());
  for (std::size_t stage = 0; stage < stages_.size(); ++stage) {
    CHIARO_CHECK(features.size(2) >= 3 && features.size(3) >= 3, Input,
                 "[nn.{}] the picture is too small for these layers; got {}×{}; expected larger "
                 "crops or layers less deep",
                 kind_, x.size(3), x.size(2));
    features = stages_[stage](features);
    for (std::size_t i = 0; i < taps_.size(); ++i) {
      if (taps_[i] == stage) results[i] = features;
    }
  }
  return results;
}

const std::vector<std::string>& feature_networks() {
  static const std::vector<std::string> names{"pixels", "random_vgg", "vgg16",
                                              "vgg19",  "squeezenet", "encoder"};
  return names;
}

std::vector<std::pair<std::string, double>> default_layers(const std::string& network) {
  expect_network(network);
  if (network == "pixels") return {{"pixels", 1.0}};
  if (network == "squeezenet") return {{"relu1", 0.2}, {"fire3", 0.3}, {"fire5", 0.5}};
  if (network == "encoder") return {{"stage1", 0.2}, {"stage2", 0.3}, {"stage3", 0.5}};
  if (network == "vgg19") {
    return {{"relu1_1", 1.0 / 32},
            {"relu2_1", 1.0 / 16},
            {"relu3_1", 1.0 / 8},
            {"relu4_1", 1.0 / 4},
            {"relu5_1", 1.0}};
  }
  return {{"relu1_2", 0.2}, {"relu2_2", 0.3}, {"relu3_3", 0.5}};
}

std::shared_ptr<FeatureExtractor> make_feature_extractor(const FeatureOptions& options) {
  expect_network(options.network);
  const bool takes_file = options.network != "pixels" && options.network != "random_vgg";
  CHIARO_CHECK(takes_file || options.file.empty(), Usage,
               "[nn.make_feature_extractor] features '{}' take no file; got '{}'; expected none",
               options.network, options.file);
  CHIARO_CHECK(
      !takes_file || !options.file.empty(), Usage,
      "[nn.make_feature_extractor] features '{}' need a file of weights; got none; expected "
      "a path, or features that need none: pixels, random_vgg",
      options.network);
  std::vector<std::string> layers = options.layers;
  if (layers.empty()) {
    for (const auto& [layer, weight] : default_layers(options.network)) layers.push_back(layer);
  }
  std::shared_ptr<FeatureExtractor> made;
  {
    const GeneratorScope own_generator(options.seed);
    if (options.network == "pixels") {
      made = std::make_shared<Pixels>(layers);
    } else if (options.network == "squeezenet") {
      made = std::make_shared<Squeezenet>(layers);
    } else if (options.network == "encoder") {
      made = std::make_shared<SmallEncoder>(layers);
    } else {
      const int depth = options.network == "vgg19" ? 19 : 16;
      made = std::make_shared<Vgg>(depth, takes_file ? 64 : options.width, layers);
    }
  }
  if (takes_file) fill_weights(*made, read_weights(options), options.file);
  made->eval();
  for (auto& parameter : made->parameters()) parameter.set_requires_grad(false);
  return made;
}

}  // namespace chiaro::nn
