#include "chiaro/metrics/scene_statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace chiaro::metrics {
namespace {

constexpr int kReach = 3;  // of the window of 7×7
constexpr std::size_t kShapes = 9801;
constexpr double kRoundingOnly = 1e-9;  // samples are whole numbers up to 255

std::size_t index_in(const Plane& plane, int y, int x) {
  return static_cast<std::size_t>(y) * static_cast<std::size_t>(plane.width) +
         static_cast<std::size_t>(x);
}

Plane empty_plane(int height, int width) {
  return {height, width,
          std::vector<double>(static_cast<std::size_t>(height) * static_cast<std::size_t>(width))};
}

std::array<double, 2 * kReach + 1> scene_window() {
  constexpr double kDeviation = 7.0 / 6.0;
  std::array<double, 2 * kReach + 1> taps{};
  double sum = 0;
  for (int i = -kReach; i <= kReach; ++i) {
    const double tap = std::exp(-i * i / (2 * kDeviation * kDeviation));
    taps[static_cast<std::size_t>(i + kReach)] = tap;
    sum += tap;
  }
  for (double& tap : taps) tap /= sum;
  return taps;
}

/// The weighted sum along a row or column.
Plane blurred_along(const Plane& plane, bool down, Beyond beyond) {
  const auto taps = scene_window();
  Plane result = empty_plane(plane.height, plane.width);
  const int last = (down ? plane.height : plane.width) - 1;
  for (int y = 0; y < plane.height; ++y) {
    for (int x = 0; x < plane.width; ++x) {
      double sum = 0;
      for (int k = -kReach; k <= kReach; ++k) {
        const int wanted = (down ? y : x) + k;
        if (beyond == Beyond::Zeros && (wanted < 0 || wanted > last)) continue;
        const int place = std::clamp(wanted, 0, last);
        sum += taps[static_cast<std::size_t>(k + kReach)] *
               plane.samples[down ? index_in(plane, place, x) : index_in(plane, y, place)];
      }
      result.samples[index_in(result, y, x)] = sum;
    }
  }
  return result;
}

/// Half as many columns.
Plane narrowed(const Plane& plane) {
  // Keys' kernel at half its frequency, at the distances 0.5, 1.5, 2.5 and 3.5 px.
  constexpr std::array<double, 4> kCubic{0.8671875, 0.2265625, -0.0703125, -0.0234375};
  constexpr double kSum = 2 * (kCubic[0] + kCubic[1] + kCubic[2] + kCubic[3]);
  Plane result = empty_plane(plane.height, (plane.width + 1) / 2);
  const int period = 2 * plane.width;
  const auto mirrored = [&](int x) {
    const int place = ((x % period) + period) % period;
    return place < plane.width ? place : period - 1 - place;
  };
  for (int x = 0; x < result.width; ++x) {
    std::array<int, 8> columns{};
    for (int k = 0; k < 8; ++k) columns[static_cast<std::size_t>(k)] = mirrored(2 * x - 3 + k);
    for (int y = 0; y < plane.height; ++y) {
      double sum = 0;
      for (std::size_t k = 0; k < 4; ++k) {
        sum += kCubic[k] * (plane.samples[index_in(plane, y, columns[3 - k])] +
                            plane.samples[index_in(plane, y, columns[4 + k])]);
      }
      result.samples[index_in(result, y, x)] = sum / kSum;
    }
  }
  return result;
}

Plane turned(const Plane& plane) {
  Plane result = empty_plane(plane.width, plane.height);
  for (int y = 0; y < plane.height; ++y) {
    for (int x = 0; x < plane.width; ++x)
      result.samples[index_in(result, x, y)] = plane.samples[index_in(plane, y, x)];
  }
  return result;
}

double shape_at(std::size_t index) {
  return 0.2 + 0.001 * static_cast<double>(index);
}

/// Γ(2/α)² / (Γ(1/α) Γ(3/α)) for every shape α.
const std::vector<double>& moment_ratios() {
  static const std::vector<double> ratios = [] {
    std::vector<double> table(kShapes);
    for (std::size_t i = 0; i < kShapes; ++i) {
      const double alpha = shape_at(i);
      const double middle = std::tgamma(2 / alpha);
      table[i] = middle * middle / (std::tgamma(1 / alpha) * std::tgamma(3 / alpha));
    }
    return table;
  }();
  return ratios;
}

struct Moments {
  double absolute = 0;  // means
  double square = 0;
  double left_square = 0;  // of the samples below 0 alone
  double right_square = 0;
};

Moments moments_of(std::span<const double> samples) {
  Moments sums;
  double below = 0;
  double above = 0;
  for (const double value : samples) {
    sums.absolute += std::abs(value);
    const double square = value * value;
    sums.square += square;
    if (value < 0) {
      sums.left_square += square;
      ++below;
    } else if (value > 0) {
      sums.right_square += square;
      ++above;
    }
  }
  const auto count = static_cast<double>(samples.size());
  return {sums.absolute / count, sums.square / count, sums.left_square / below,
          sums.right_square / above};
}

}  // namespace

Plane normalised_contrast(const Plane& plane, Beyond beyond) {
  const auto blurred = [beyond](const Plane& source) {
    return blurred_along(blurred_along(source, true, beyond), false, beyond);
  };
  const Plane mean = blurred(plane);
  Plane result = plane;
  for (double& value : result.samples) value *= value;
  const Plane mean_square = blurred(result);
  for (std::size_t i = 0; i < result.samples.size(); ++i) {
    const double deviation =
        std::sqrt(std::abs(mean_square.samples[i] - mean.samples[i] * mean.samples[i]));
    const double contrast = (plane.samples[i] - mean.samples[i]) / (deviation + 1);
    result.samples[i] = std::abs(contrast) < kRoundingOnly ? 0 : contrast;
  }
  return result;
}

Plane cubic_half(const Plane& plane) {
  return turned(narrowed(turned(narrowed(plane))));
}

Plane plane_part(const Plane& plane, int y, int x, int height, int width) {
  Plane part{height, width, {}};
  for (int row = y; row < y + height; ++row) {
    const auto first = plane.samples.begin() + static_cast<std::ptrdiff_t>(index_in(plane, row, x));
    part.samples.insert(part.samples.end(), first, first + width);
  }
  return part;
}

Plane neighbour_products(const Plane& plane, int dy, int dx) {
  Plane result = empty_plane(plane.height, plane.width);
  for (int y = 0; y < plane.height; ++y) {
    const int row = (y + dy + plane.height) % plane.height;
    for (int x = 0; x < plane.width; ++x) {
      const int column = (x + dx + plane.width) % plane.width;
      result.samples[index_in(result, y, x)] =
          plane.samples[index_in(plane, y, x)] * plane.samples[index_in(plane, row, column)];
    }
  }
  return result;
}

SymmetricFit fit_symmetric(std::span<const double> samples) {
  const Moments moments = moments_of(samples);
  const double wanted = moments.square / (moments.absolute * moments.absolute);
  const auto& ratios = moment_ratios();
  std::size_t best = 0;
  for (std::size_t i = 1; i < kShapes; ++i) {
    if (std::abs(wanted - 1 / ratios[i]) < std::abs(wanted - 1 / ratios[best])) best = i;
  }
  return {shape_at(best), moments.square};
}

AsymmetricFit fit_asymmetric(std::span<const double> samples) {
  const Moments moments = moments_of(samples);
  AsymmetricFit fit;
  fit.left_deviation = std::sqrt(moments.left_square);
  fit.right_deviation = std::sqrt(moments.right_square);
  const double gamma = fit.left_deviation / fit.right_deviation;
  const double balance = gamma * gamma + 1;
  const double wanted = moments.absolute * moments.absolute / moments.square *
                        (gamma * gamma * gamma + 1) * (gamma + 1) / (balance * balance);
  const auto& ratios = moment_ratios();
  std::size_t best = 0;
  for (std::size_t i = 1; i < kShapes; ++i) {
    if (std::abs(ratios[i] - wanted) < std::abs(ratios[best] - wanted)) best = i;
  }
  fit.shape = shape_at(best);
  return fit;
}

double AsymmetricFit::left_scale() const {
  return left_deviation * std::sqrt(std::tgamma(1 / shape) / std::tgamma(3 / shape));
}

double AsymmetricFit::right_scale() const {
  return right_deviation * std::sqrt(std::tgamma(1 / shape) / std::tgamma(3 / shape));
}

double AsymmetricFit::mean() const {
  return (right_scale() - left_scale()) * std::tgamma(2 / shape) / std::tgamma(1 / shape);
}

}  // namespace chiaro::metrics
