// A trained encoder as a feature extractor: what its stages see, for losses that compare pictures.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "chiaro/networks/encoder.h"
#include "chiaro/nn/feature_extractor.h"

namespace chiaro::networks {

/// φ out of the stages of one part of the encoder, in the order of `layers`. The encoder is the
/// extractor's from then on: frozen, in evaluation mode. Pictures of any size are taken as they
/// are, also by a part whose code is that of a reduced picture. Errors: Usage (no layer, an unknown
/// one, one named twice, layers of two parts).
std::shared_ptr<nn::FeatureExtractor> encoder_features(std::shared_ptr<Encoder> encoder,
                                                       const std::vector<std::string>& layers);

/// Layers with their weights in a distance, where a recipe names none: the first three stages of
/// the last part that is seen at native resolution, or of the last part, with 0.2, 0.3 and 0.5.
std::vector<std::pair<std::string, double>> default_layers(Encoder& encoder);

}  // namespace chiaro::networks
