// chiaro's own encoder: small enough to be trained here, and a feature extractor once it is.
#pragma once

#include <string>
#include <vector>

#include "chiaro/nn/feature_extractor.h"

namespace chiaro::nn {

/// Residual blocks at four resolutions (1.2 M parameters): layers "stage1" to "stage4" with 32, 64,
/// 128 and 192 channels at strides 1, 2, 4 and 8. Parameters: stem, block1, down2, block2, …
class SmallEncoder : public FeatureExtractor {
 public:
  /// Weights: He initialisation, from torch's default generator; trainable. Errors: Usage (layers).
  explicit SmallEncoder(const std::vector<std::string>& wanted);
};

}  // namespace chiaro::nn
