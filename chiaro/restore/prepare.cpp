#include "chiaro/restore/prepare.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace chiaro::restore {
namespace {

/// Takes over the neighbour's source pixel if that is nearer.
void relax(std::vector<std::uint32_t>& distance, std::vector<std::uint32_t>& origin, std::size_t at,
           std::size_t from) {
  if (distance[from] != std::numeric_limits<std::uint32_t>::max() &&
      distance[from] + 1 < distance[at]) {
    distance[at] = distance[from] + 1;
    origin[at] = origin[from];
  }
}

/// `mend` for all values of the blocks in which `wrong` holds for any. Most pictures have none: a
/// block is asked as a whole, which takes several values at once, and only written to if need be.
template <typename Wrong, typename Mend>
void for_blocks(std::span<float> values, const Wrong& wrong, const Mend& mend) {
  constexpr std::size_t kTogether = 4096;
  for (std::size_t begin = 0; begin < values.size(); begin += kTogether) {
    const auto block = values.subspan(begin, std::min(kTogether, values.size() - begin));
    int found = 0;
    for (const float value : block) found |= static_cast<int>(wrong(value));
    if (found != 0) std::ranges::for_each(block, mend);
  }
}

}  // namespace

std::size_t replace_not_finite(image::Image& picture) {
  std::size_t changed = 0;
  const auto clean = [&changed](float& value) {
    if (std::isfinite(value)) return;
    value = value > 0 ? 1.0F : 0.0F;  // NaN compares false
    ++changed;
  };
  for_blocks(
      picture.pixels(),
      [](float value) { return !(std::abs(value) <= std::numeric_limits<float>::max()); }, clean);
  for (float& value : picture.alpha) {
    clean(value);
    value = std::clamp(value, 0.0F, 1.0F);
  }
  return changed;
}

void warn_of_replaced(std::size_t count) {
  if (count > 0)
    spdlog::warn("{} values of the picture were not finite and have been replaced", count);
}

void limit_to(const SeenRange& range, image::Image& picture) {
  if (RangeCurve(range).bends()) return;
  for_blocks(
      picture.pixels(), [](float value) { return std::clamp(value, 0.0F, 1.0F) != value; },
      [](float& value) { value = std::clamp(value, 0.0F, 1.0F); });
}

void fill_hidden_colors(image::Image& picture) {
  if (picture.metadata.multiplied) return;
  const auto hidden = [](float alpha) { return alpha <= 0; };
  const auto& alpha = picture.alpha;
  const bool any_hidden = std::any_of(alpha.begin(), alpha.end(), hidden);
  if (!any_hidden || std::all_of(alpha.begin(), alpha.end(), hidden)) return;

  // City-block distance in two sweeps; `origin` is where the nearest visible pixel lies.
  const auto height = static_cast<std::size_t>(picture.height());
  const auto width = static_cast<std::size_t>(picture.width());
  std::vector<std::uint32_t> distance(alpha.size(), std::numeric_limits<std::uint32_t>::max());
  std::vector<std::uint32_t> origin(alpha.size());
  for (std::size_t i = 0; i < alpha.size(); ++i) {
    origin[i] = static_cast<std::uint32_t>(i);
    if (!hidden(alpha[i])) distance[i] = 0;
  }
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < width; ++x) {
      const std::size_t at = y * width + x;
      if (y > 0) relax(distance, origin, at, at - width);
      if (x > 0) relax(distance, origin, at, at - 1);
    }
  }
  for (std::size_t y = height; y-- > 0;) {
    for (std::size_t x = width; x-- > 0;) {
      const std::size_t at = y * width + x;
      if (y + 1 < height) relax(distance, origin, at, at + width);
      if (x + 1 < width) relax(distance, origin, at, at + 1);
    }
  }
  for (int channel = 0; channel < picture.channels(); ++channel) {
    const std::span<float> plane = picture.plane(channel);
    for (std::size_t i = 0; i < alpha.size(); ++i) plane[i] = plane[origin[i]];
  }
}

std::vector<float> enlarged_plane(const std::vector<float>& plane, int height, int width,
                                  int scale) {
  std::vector<float> result;
  result.reserve(plane.size() * static_cast<std::size_t>(scale * scale));
  const auto neighbours = [scale](int position, int length, int& low, int& high, float& share) {
    const float at = (static_cast<float>(position) + 0.5F) / static_cast<float>(scale) - 0.5F;
    low = std::clamp(static_cast<int>(std::floor(at)), 0, length - 1);
    high = std::min(low + 1, length - 1);
    share = std::clamp(at - static_cast<float>(low), 0.0F, 1.0F);
  };
  const auto value = [&](int y, int x) {
    return plane[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                 static_cast<std::size_t>(x)];
  };
  for (int y = 0; y < height * scale; ++y) {
    int top = 0;
    int bottom = 0;
    float down = 0;
    neighbours(y, height, top, bottom, down);
    for (int x = 0; x < width * scale; ++x) {
      int left = 0;
      int right = 0;
      float across = 0;
      neighbours(x, width, left, right, across);
      const float above = value(top, left) + across * (value(top, right) - value(top, left));
      const float below =
          value(bottom, left) + across * (value(bottom, right) - value(bottom, left));
      result.push_back(above + down * (below - above));
    }
  }
  return result;
}

}  // namespace chiaro::restore
