// Pictures of noise.
#pragma once

#include <cstdint>

#include "chiaro/base/rng.h"
#include "chiaro/image/image.h"

namespace chiaro::test {

struct NoiseOptions {
  std::uint64_t seed = 1;
  double low = 0.1;
  double high = 0.9;
};

/// Values drawn one by one, evenly from low to high.
inline image::Image noise(int channels, int height, int width, const NoiseOptions& options = {}) {
  image::Image picture(channels, height, width);
  Rng rng(options.seed);
  for (float& value : picture.pixels())
    value = static_cast<float>(rng.uniform(options.low, options.high));
  return picture;
}

}  // namespace chiaro::test
