// SqueezeNet 1.1 as a feature extractor.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "chiaro/nn/feature_extractor.h"
#include "chiaro/nn/weight_file.h"

namespace chiaro::nn {

/// SqueezeNet 1.1 (Iandola et al. 2016, arXiv:1602.07360; version 1.1 of its repository): layers
/// "relu1", "fire2" to "fire9", and "classes", the scores of the 1000 classes of ImageNet at every
/// place, whose means over places are the logits. Strides 2, 4, 8 and 16. Parameters are named as
/// torchvision names them.
class Squeezenet : public FeatureExtractor {
 public:
  /// Weights: He initialisation, from torch's default generator. Errors: Usage (layers).
  explicit Squeezenet(const std::vector<std::string>& wanted);
};

/// The 26 convolutions of an ncnn SqueezeNet 1.1 under torchvision's names. Which of a fire
/// module's two expanding convolutions is which shows in their kernels. Errors: Bundle (another
/// network).
NamedWeights squeezenet_weights(const std::vector<NcnnConvolution>& convolutions,
                                const std::string& origin);

}  // namespace chiaro::nn
