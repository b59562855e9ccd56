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

/// `mend` for all values of the blocks of which any lies outside [0,1]. Most pictures have none: a
/// block is asked as a whole, which takes several values at once, and only written to if need be.
/// Returns whether there was one.
template <typename Mend>
bool mend_outside(std::span<float> values, const Mend& mend) {
  constexpr std::size_t kTogether = 4096;
  bool any = false;
  for (std::size_t begin = 0; begin < values.size(); begin += kTogether) {
    const auto block = values.subspan(begin, std::min(kTogether, values.size() - begin));
    int outside = 0;  // NaN is
    for (const float value : block)
      outside |= static_cast<int>(!(value >= 0.0F)) | static_cast<int>(!(value <= 1.0F));
    if (outside == 0) continue;
    std::ranges::for_each(block, mend);
    any = true;
  }
  return any;
}

bool hidden(float alpha) {
  return alpha <= 0;
}

}  // namespace

Survey replace_not_finite(image::Image& picture) {
  Survey survey;
  const auto clean = [&survey](float& value) {
    if (std::isfinite(value)) return;
    value = value > 0 ? 1.0F : 0.0F;  // NaN compares false
    ++survey.not_finite;
  };
  survey.all_in_unit_range = !mend_outside(picture.pixels(), clean);
  for (float& value : picture.alpha) {
    clean(value);
    value = std::clamp(value, 0.0F, 1.0F);
  }
  return survey;
}

HiddenColors::HiddenColors(const image::Image& picture) {
  if (picture.metadata.multiplied) return;
  for (int channel = 0; channel < picture.channels(); ++channel) {
    const auto plane = picture.plane(channel);
    for (std::size_t i = 0; i < picture.alpha.size(); ++i)
      if (hidden(picture.alpha[i])) values_.push_back(plane[i]);
  }
}

std::int64_t hidden_color_bytes(const image::Image& picture) {
  if (picture.metadata.multiplied) return 0;
  return std::ranges::count_if(picture.alpha, hidden) * picture.channels() *
         static_cast<std::int64_t>(sizeof(float));
}

void HiddenColors::put_back(image::Image& result) const {
  if (values_.empty()) return;
  auto value = values_.begin();
  for (int channel = 0; channel < result.channels(); ++channel) {
    const auto plane = result.plane(channel);
    for (std::size_t i = 0; i < result.alpha.size(); ++i)
      if (hidden(result.alpha[i])) plane[i] = *value++;
  }
}

void warn_of_replaced(std::size_t count) {
  if (count > 0)
    spdlog::warn("{} values of the picture were not finite and have been replaced", count);
}

void limit_to(const SeenRange& range, image::Image& picture) {
  limit_to(range, picture.pixels());
}

void limit_to(const SeenRange& range, std::span<float> values) {
  if (RangeCurve(range).bends()) return;
  mend_outside(values, [](float& value) { value = std::clamp(value, 0.0F, 1.0F); });
}

void fill_hidden_colors(image::Image& picture) {
  if (picture.metadata.multiplied) return;
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
