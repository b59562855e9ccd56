// Statistics of natural scenes, as BRISQUE and NIQE fit them. Samples lie on the scale 0 to 255.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "chiaro/metrics/planes.h"

namespace chiaro::metrics {

/// 18 at each of two scales.
inline constexpr std::size_t kSceneFeatures = 36;
using SceneFeatures = std::array<double, kSceneFeatures>;

/// What a window sees beyond the edge of the picture.
enum class Beyond { Zeros, NearestPixel };

/// Each sample less the mean of its surroundings, divided by their deviation plus 1: (v − μ)/(σ +
/// 1), under a Gaussian of 7×7 pixels and deviation 7/6 (Mittal, Moorthy, Bovik 2012, eq. 1 to 3).
/// What is 0 but for rounding, as everywhere in a flat surrounding, becomes 0: the fits below ask
/// how many samples lie on either side of it, and would otherwise hang on the order of sums.
Plane normalised_contrast(const Plane& plane, Beyond beyond);

/// Half the size, odd sides rounded up: cubic convolution (a = −1/2) widened to eight pixels
/// against aliasing, edges mirrored; MATLAB's imresize(plane, 0.5).
Plane cubic_half(const Plane& plane);

/// The rectangle that starts at (y, x) and lies inside.
Plane plane_part(const Plane& plane, int y, int x, int height, int width);

/// Every sample times the one `dy` below and `dx` to the right of it; the picture goes on at its
/// other side. Both from −1 to 1.
Plane neighbour_products(const Plane& plane, int dy, int dx);

/// The four neighbours whose products are fitted, in the order of the features: horizontal,
/// vertical, the two diagonals.
struct Neighbour {
  int dy, dx;
};
inline constexpr Neighbour kNeighbours[] = {{0, 1}, {1, 0}, {1, 1}, {1, -1}};

/// A generalised Gaussian with mean 0, fitted by moments (ibid., eq. 4 to 6). `shape` from 0.2 to
/// 10, in steps of 0.001.
struct SymmetricFit {
  double shape = 0;
  double variance = 0;
};
SymmetricFit fit_symmetric(std::span<const double> samples);

/// An asymmetric one (ibid., eq. 10 to 16). The deviation of a side without samples is NaN, and
/// with it all that depends on it except the shape, as in the authors' code.
struct AsymmetricFit {
  double shape = 0;
  double left_deviation = 0;   ///< root of the mean square of the samples below 0
  double right_deviation = 0;  ///< of those above

  double left_scale() const;   ///< β_l
  double right_scale() const;  ///< β_r
  double mean() const;         ///< η
};
AsymmetricFit fit_asymmetric(std::span<const double> samples);

}  // namespace chiaro::metrics
