#include "chiaro/networks/encoder_features.h"

#include <algorithm>
#include <array>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"

namespace chiaro::networks {
namespace {

using Stages = std::vector<EncoderStage>;

constexpr std::array<double, 3> kLayerWeights = {0.2, 0.3, 0.5};

std::vector<std::string> names_of(const Stages& stages) {
  std::vector<std::string> names;
  for (const EncoderStage& stage : stages) names.push_back(stage.name);
  return names;
}

bool has_stage(const Stages& stages, const std::string& name) {
  return std::ranges::any_of(stages, [&](const EncoderStage& stage) { return stage.name == name; });
}

class EncoderFeatures : public nn::FeatureExtractor {
 public:
  EncoderFeatures(std::shared_ptr<Encoder> encoder, const Stages& part,
                  const std::vector<std::string>& wanted)
      : FeatureExtractor("encoder", wanted, names_of(part)) {
    register_module("encoder", std::move(encoder));
    for (std::size_t i = 0; i < stage_count(); ++i) add_stage(part[i].run);
  }
};

/// The part that has all these stages.
Stages part_with(const std::vector<Stages>& parts, const std::vector<std::string>& layers) {
  std::vector<std::string> known;
  for (const Stages& part : parts) {
    for (const std::string& name : names_of(part)) known.push_back(name);
  }
  const auto has_all = [&](const Stages& part) {
    return std::ranges::all_of(layers,
                               [&](const std::string& layer) { return has_stage(part, layer); });
  };
  for (const std::string& layer : layers) {
    CHIARO_CHECK(std::ranges::count(known, layer) > 0, Usage,
                 "[networks.encoder_features] unknown layer; got '{}'; expected some of: {}{}",
                 layer, join(known), did_you_mean(layer, known));
  }
  const auto found = std::ranges::find_if(parts, has_all);
  CHIARO_CHECK(found != parts.end(), Usage,
               "[networks.encoder_features] the layers belong to two parts of the code; got {}; "
               "expected those of one of: {}",
               join(layers), join(known));
  return *found;
}

}  // namespace

std::shared_ptr<nn::FeatureExtractor> encoder_features(std::shared_ptr<Encoder> encoder,
                                                       const std::vector<std::string>& layers) {
  const Stages part = part_with(encoder->stages(), layers);
  auto made = std::make_shared<EncoderFeatures>(std::move(encoder), part, layers);
  made->eval();
  for (auto& parameter : made->parameters()) parameter.set_requires_grad(false);
  return made;
}

std::vector<std::pair<std::string, double>> default_layers(Encoder& encoder) {
  const std::vector<CodePart> parts = parts_of(encoder.layout());
  std::size_t chosen = parts.size() - 1;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].view == CodeView::Native) chosen = i;
  }
  const std::vector<Stages> all = encoder.stages();
  std::vector<std::pair<std::string, double>> layers;
  for (std::size_t i = 0; i < kLayerWeights.size(); ++i)
    layers.emplace_back(all.at(chosen).at(i).name, kLayerWeights[i]);
  return layers;
}

}  // namespace chiaro::networks
