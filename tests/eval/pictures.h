// Small pictures for the tests of evaluation.
#pragma once

#include <filesystem>
#include <string>

#include "chiaro/image/codec.h"
#include "chiaro/image/image.h"

namespace chiaro::eval {

/// A slope with a step; `shift` makes it another picture. Values lie on the 8-bit grid.
inline image::Image test_picture(int height, int width, int shift, int channels = 3) {
  image::Image picture(channels, height, width);
  for (int c = 0; c < channels; ++c) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const int value =
            (40 + 5 * x + 3 * y + 20 * c + 17 * shift + (x > width / 2 ? 50 : 0)) % 200;
        picture.at(c, y, x) = static_cast<float>(value + 20) / 255.0F;
      }
    }
  }
  return picture;
}

/// Every value moved by `levels` of 255.
inline image::Image moved(image::Image picture, int levels) {
  for (float& value : picture.pixels()) value += static_cast<float>(levels) / 255.0F;
  return picture;
}

inline void save(const std::filesystem::path& path, const image::Image& picture) {
  std::filesystem::create_directories(path.parent_path());
  image::write(path, picture);
}

}  // namespace chiaro::eval
