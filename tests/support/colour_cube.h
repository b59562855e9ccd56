// Colours to try profiles and codecs on.
#pragma once

#include <array>
#include <cstddef>

#include "chiaro/image/image.h"

namespace chiaro::test {

/// All corners, edges and much of the inside of the cube, in the colours of the profile.
inline image::Image colour_cube(image::SampleType type) {
  constexpr int kSide = 9;
  image::Image picture(3, kSide, kSide * kSide);
  for (int i = 0; i < kSide * kSide * kSide; ++i) {
    const std::array digits{i % kSide, i / kSide % kSide, i / kSide / kSide};
    for (int c = 0; c < 3; ++c) {
      picture.at(c, i / (kSide * kSide), i % (kSide * kSide)) =
          static_cast<float>(digits[static_cast<std::size_t>(c)] * 255 / (kSide - 1)) / 255.0F;
    }
  }
  picture.sample_type = type;
  return picture;
}

}  // namespace chiaro::test
