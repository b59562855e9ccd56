// Values outside [0,1], which pictures of floats may have (HDR, wide gamut).
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>

#include <fmt/format.h>

namespace chiaro::image {

/// How many values lie outside [0,1] by more than half a level of 8 bits, which rounding in a
/// colour conversion does not reach, and how far. Not-a-number counts nowhere.
struct Beyond {
  std::size_t count = 0;
  float lowest = 0;
  float highest = 1;
};

inline void count_beyond(std::span<const float> values, Beyond& beyond) {
  constexpr float kHalfLevel = 1.0F / 512.0F;
  constexpr std::size_t kTogether = 4096;
  // Most pictures have none: a block is asked as a whole, which takes several values at once.
  for (std::size_t begin = 0; begin < values.size(); begin += kTogether) {
    const auto block = values.subspan(begin, std::min(kTogether, values.size() - begin));
    int found = 0;
    for (const float value : block)
      found |= static_cast<int>(value < -kHalfLevel) | static_cast<int>(value > 1.0F + kHalfLevel);
    if (found == 0) continue;
    for (const float value : block) {
      if (!(value < -kHalfLevel || value > 1.0F + kHalfLevel)) continue;
      ++beyond.count;
      beyond.lowest = std::min(beyond.lowest, value);
      beyond.highest = std::max(beyond.highest, value);
    }
  }
}

/// "12 values, from -0.5 to 7.3".
inline std::string beyond_text(const Beyond& beyond) {
  return fmt::format("{} value{}, from {:.3g} to {:.3g}", beyond.count,
                     beyond.count == 1 ? "" : "s", beyond.lowest, beyond.highest);
}

}  // namespace chiaro::image
