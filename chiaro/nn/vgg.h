// The convolutions of VGG as a feature extractor.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "chiaro/nn/feature_extractor.h"

namespace chiaro::nn {

/// VGG-16 or VGG-19 without its classifier (Simonyan & Zisserman 2015, arXiv:1409.1556,
/// configurations D and E): 3×3 convolutions with ReLU, five groups, the sides halved by max
/// pooling between them. Layers are "relu1_1" to "relu5_3" (VGG-19: "relu5_4"); parameters are
/// named as torchvision names them.
class Vgg : public FeatureExtractor {
 public:
  /// depth: 16 or 19. width: channels of the first group, published 64; the others are 2, 4, 8 and
  /// 8 times as wide. Weights: He initialisation, from torch's default generator. Errors: Usage
  /// (layers).
  Vgg(int depth, std::int64_t width, const std::vector<std::string>& wanted);
};

}  // namespace chiaro::nn
