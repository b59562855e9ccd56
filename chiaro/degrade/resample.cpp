#include "chiaro/degrade/resample.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace chiaro::degrade {
namespace {

int mirrored_with_edge(int i, int n) {  // with the edge repeated: -1 is 0
  const int period = 2 * n;
  i %= period;
  if (i < 0) i += period;
  return i < n ? i : period - 1 - i;
}

double keys(double x) {
  x = std::abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

using Taps = std::vector<std::pair<int, float>>;  // source index, weight

std::vector<Taps> taps_along(int from, int to) {
  const double step = static_cast<double>(from) / to;
  const double widening = std::max(1.0, step);
  std::vector<Taps> all(static_cast<std::size_t>(to));
  for (int i = 0; i < to; ++i) {
    const double centre = (i + 0.5) * step - 0.5;
    const int first = static_cast<int>(std::ceil(centre - 2 * widening));
    const int last = static_cast<int>(std::floor(centre + 2 * widening));
    double sum = 0;
    for (int k = first; k <= last; ++k) sum += keys((k - centre) / widening);
    for (int k = first; k <= last; ++k) {
      const double weight = keys((k - centre) / widening) / sum;
      if (weight != 0)
        all[static_cast<std::size_t>(i)].emplace_back(mirrored_with_edge(k, from),
                                                      static_cast<float>(weight));
    }
  }
  return all;
}

}  // namespace

std::vector<float> resize_cubic(std::span<const float> plane, int height, int width, int to_height,
                                int to_width) {
  std::vector<float> tall(static_cast<std::size_t>(to_height) * static_cast<std::size_t>(width));
  const auto rows = taps_along(height, to_height);
  for (int y = 0; y < to_height; ++y) {
    float* out = tall.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width);
    for (const auto& [source, weight] : rows[static_cast<std::size_t>(y)]) {
      const float* row =
          plane.data() + static_cast<std::size_t>(source) * static_cast<std::size_t>(width);
      for (int x = 0; x < width; ++x) out[x] += weight * row[x];
    }
  }
  std::vector<float> result(static_cast<std::size_t>(to_height) *
                            static_cast<std::size_t>(to_width));
  const auto columns = taps_along(width, to_width);
  for (int y = 0; y < to_height; ++y) {
    const float* row = tall.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width);
    float* out = result.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(to_width);
    for (int x = 0; x < to_width; ++x) {
      float sum = 0;
      for (const auto& [source, weight] : columns[static_cast<std::size_t>(x)])
        sum += weight * row[source];
      out[x] = sum;
    }
  }
  return result;
}

}  // namespace chiaro::degrade
