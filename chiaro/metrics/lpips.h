// LPIPS: distance of two pictures in the features of a network for recognising things.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "chiaro/metrics/planes.h"

namespace chiaro::metrics {

/// (C,H,W) float32.
struct FeatureMap {
  int channels = 0;
  int height = 0;
  int width = 0;
  std::vector<float> values;
};

/// Whatever runs the network; chiaro/eval has one. Not for use from several threads at once.
class FeatureNetwork {
 public:
  virtual ~FeatureNetwork() = default;
  /// `picture` (3,H,W), normalised as LPIPS does it → the seven maps that its heads look at.
  virtual std::vector<FeatureMap> features(std::span<const float> picture, int height,
                                           int width) = 0;
};

/// One weight per channel of each of the seven maps of SqueezeNet 1.1.
using LpipsHeads = std::vector<std::vector<double>>;

/// `squeeze.pth` of LPIPS 0.1. Errors: Input, naming the file.
LpipsHeads read_lpips_heads(const std::filesystem::path& path);

/// Zhang, Isola, Efros, Shechtman, Wang, "The unreasonable effectiveness of deep features as a
/// perceptual metric", CVPR 2018, eq. 1, with the linear heads of version 0.1: float32 inside the
/// network, float64 outside. Grey pictures count as three equal channels. At least 0, identical
/// pictures give 0; lower is better. Errors: as scored_planes; Input if a side is below 32 px.
double lpips(const image::Image& restored, const image::Image& target, const Protocol& protocol,
             const LpipsHeads& heads, FeatureNetwork& network);

}  // namespace chiaro::metrics
