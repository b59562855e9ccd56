#include "bench/pictures.h"

#include <algorithm>

#include "chiaro/base/rng.h"

namespace chiaro::bench {

image::Image test_picture(int height, int width) {
  image::Image picture(3, height, width);
  Rng rng(7);
  for (int channel = 0; channel < 3; ++channel) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const double ramp = static_cast<double>(x + y) / (height + width);
        const double block = (x / 37 + y / 53 + channel) % 2 == 0 ? 0.2 : 0.0;
        picture.at(channel, y, x) =
            static_cast<float>(std::clamp(0.7 * ramp + block + rng.uniform(0, 0.05), 0.0, 1.0));
      }
    }
  }
  return picture;
}

}  // namespace chiaro::bench
