#include <gtest/gtest.h>

#include "tests/degrade/pictures.h"

namespace chiaro::degrade::mosaic_test {
namespace {

TEST(Mosaic, KeepsOneColourOfEachPixel) {
  const Image clean = test::hand_made(3, 6, 5);
  const Image raw = test::degraded(clean, "mosaic");
  const int kept[2][2] = {{0, 1}, {1, 2}};
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < 6; ++y)
      for (int x = 0; x < 5; ++x)
        EXPECT_EQ(raw.at(c, y, x), kept[y % 2][x % 2] == c ? clean.at(c, y, x) : 0.0F)
            << c << " " << y << " " << x;
}

TEST(Mosaic, AsManySamplesAsPixels) {
  const Image raw = test::degraded(test::hand_made(3, 8, 8), "noise(sigma_u8=0)+mosaic");
  int filled = 0;
  for (const float v : raw.pixels()) filled += v > 0 ? 1 : 0;
  EXPECT_LE(filled, 64);
  EXPECT_GE(filled, 60) << "the picture is not black";
}

TEST(Mosaic, FiltersMayLeakAndGreyHasNone) {
  const Image clean = test::hand_made(3, 4, 4);
  const Image raw = test::degraded(clean, "mosaic(leak=0.25)");
  EXPECT_EQ(raw.at(0, 0, 0), clean.at(0, 0, 0));
  EXPECT_FLOAT_EQ(raw.at(2, 0, 0), 0.25F * clean.at(2, 0, 0));
  const Image grey = test::hand_made(1, 4, 4);
  EXPECT_TRUE(test::same_pixels(test::degraded(grey, "mosaic"), grey));
}

}  // namespace
}  // namespace chiaro::degrade::mosaic_test
