// BRISQUE: what people would say of a picture, by its statistics.
#pragma once

#include <filesystem>
#include <vector>

#include "chiaro/metrics/scene_statistics.h"

namespace chiaro::metrics {

/// A support vector regression over features scaled to a range.
struct BrisqueRegression {
  std::array<double, kSceneFeatures> low{}, high{};  ///< of each feature; become −1 and 1
  double gamma = 0;                                  ///< of the kernel exp(−γ |x − s|²)
  double rho = 0;
  std::vector<double> weights;         ///< one per support vector
  std::vector<SceneFeatures> vectors;  ///< scaled
};

/// The two files of the authors' release: `model` as svm-train of LIBSVM writes it (epsilon-SVR,
/// RBF kernel), `range` as svm-scale does. Errors: Input, naming the file and what is wrong.
BrisqueRegression read_brisque_regression(const std::filesystem::path& model,
                                          const std::filesystem::path& range);

/// The 36 features: at each of two scales shape and variance of the normalised contrast, then
/// shape, mean, left and right variance of the products of neighbours. `plane` on the scale 0 to
/// 255. NaN where the plane is flat.
SceneFeatures brisque_features(const Plane& plane);

/// Mittal, Moorthy, Bovik, "No-reference image quality assessment in the spatial domain", IEEE
/// Transactions on Image Processing 2012. Nominally 0 (good) to 100, not limited to it; lower is
/// better. Errors: as scored_planes; Input where the picture is flat.
double brisque(const image::Image& picture, const Protocol& protocol,
               const BrisqueRegression& fitted);

}  // namespace chiaro::metrics
