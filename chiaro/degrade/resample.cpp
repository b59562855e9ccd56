#include "chiaro/degrade/resample.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "chiaro/image/indices.h"

namespace chiaro::degrade {
namespace {

using image::as_size;

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
  std::vector<Taps> all(as_size(to));
  for (int i = 0; i < to; ++i) {
    const double centre = (i + 0.5) * step - 0.5;
    const int first = static_cast<int>(std::ceil(centre - 2 * widening));
    const int last = static_cast<int>(std::floor(centre + 2 * widening));
    double sum = 0;
    for (int k = first; k <= last; ++k) sum += keys((k - centre) / widening);
    for (int k = first; k <= last; ++k) {
      const double weight = keys((k - centre) / widening) / sum;
      if (weight != 0)
        all[as_size(i)].emplace_back(mirrored_with_edge(k, from), static_cast<float>(weight));
    }
  }
  return all;
}

}  // namespace

std::vector<float> resize_cubic(std::span<const float> plane, int height, int width, int to_height,
                                int to_width) {
  std::vector<float> tall(as_size(to_height) * as_size(width));
  const auto rows = taps_along(height, to_height);
  for (int y = 0; y < to_height; ++y) {
    float* out = tall.data() + as_size(y) * as_size(width);
    for (const auto& [source, weight] : rows[as_size(y)]) {
      const float* row = plane.data() + as_size(source) * as_size(width);
      for (int x = 0; x < width; ++x) out[x] += weight * row[x];
    }
  }
  std::vector<float> result(as_size(to_height) * as_size(to_width));
  const auto columns = taps_along(width, to_width);
  for (int y = 0; y < to_height; ++y) {
    const float* row = tall.data() + as_size(y) * as_size(width);
    float* out = result.data() + as_size(y) * as_size(to_width);
    for (int x = 0; x < to_width; ++x) {
      float sum = 0;
      for (const auto& [source, weight] : columns[as_size(x)]) sum += weight * row[source];
      out[x] = sum;
    }
  }
  return result;
}

}  // namespace chiaro::degrade
