#include "chiaro/data/depth.h"

#include <algorithm>
#include <vector>

#include "chiaro/degrade/filters.h"

namespace chiaro::data {

image::Image fill_unknown_depth(const image::Image& depth) {
  image::Image filled = depth;
  auto values = filled.plane(0);
  const auto unknown = [](float value) { return value <= 0; };
  if (std::ranges::all_of(values, unknown)) return {};
  const int height = depth.height();
  const int width = depth.width();
  // Means of what is known in ever larger squares: near holes take near values.
  for (int radius = 2; std::ranges::any_of(values, unknown); radius *= 2) {
    std::vector<float> sums(values.begin(), values.end());
    std::vector<float> shares(values.size());
    std::ranges::transform(values, shares.begin(),
                           [&](float value) { return unknown(value) ? 0.0F : 1.0F; });
    degrade::box_mean(sums, height, width, radius);
    degrade::box_mean(shares, height, width, radius);
    for (std::size_t i = 0; i < values.size(); ++i) {
      // A share below one pixel of the square is rounding.
      const auto side = static_cast<float>(2 * radius + 1);
      if (unknown(values[i]) && shares[i] > 0.5F / (side * side)) values[i] = sums[i] / shares[i];
    }
  }
  return filled;
}

}  // namespace chiaro::data
