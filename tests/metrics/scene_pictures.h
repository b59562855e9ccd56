// Pictures of integers, the same as in tools/make_parity_baselines.py.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "chiaro/image/image.h"

namespace chiaro::metrics {

struct Pictures {
  image::Image restored;
  image::Image target;
};

inline std::uint32_t mixed(std::uint32_t n) {
  for (const std::uint32_t multiplier : {0x7FEB352DU, 0x846CA68BU})
    n = (n ^ (n >> 16)) * multiplier;
  return n ^ (n >> 16);
}

/// `bytes`: on the 8-bit grid; else between its levels and beyond [0,1].
inline Pictures integer_pictures(int height, int width, int channels, bool bytes) {
  Pictures result{image::Image(channels, height, width), image::Image(channels, height, width)};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c) {
        const int waves =
            (3 * x + 2 * y + 29 * c) % 128 + std::abs((5 * y + x * (c + 1)) % 160 - 80);
        const int boxes = 60 * ((x / 9 + y / 7 + c) % 2);
        const int target = std::clamp(waves + boxes - 20, 0, 255);
        const auto index = static_cast<std::uint32_t>((y * width + x) * channels + c);
        const int restored = target * 15 / 16 + 6 + static_cast<int>(mixed(index) % 61) - 30;
        result.target.at(c, y, x) = static_cast<float>(target / 255.0);
        result.restored.at(c, y, x) =
            static_cast<float>(bytes ? std::clamp(restored, 0, 255) / 255.0 : restored / 253.0);
      }
    }
  }
  return result;
}

}  // namespace chiaro::metrics
