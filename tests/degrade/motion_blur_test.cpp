#include <gtest/gtest.h>

#include <cmath>

#include "tests/degrade/pictures.h"

namespace chiaro::degrade::motion_blur_test {
namespace {

Image impulse_through(const char* spec, std::uint64_t seed = 1) {
  Image picture(1, 61, 61);
  picture.at(0, 30, 30) = 1;
  return test::degraded(picture, spec, seed);
}

TEST(MotionBlur, AStraightPathHasItsLengthAndIsEven) {
  const Image blurred = impulse_through("motion_blur(length_px=11,angle_deg=0)");
  EXPECT_NEAR(test::mean_of(blurred.pixels()) * 61 * 61, 1, 1e-4);
  for (int x = 26; x <= 34; ++x) EXPECT_NEAR(blurred.at(0, 30, x), 0.1, 0.002) << x;
  EXPECT_NEAR(blurred.at(0, 30, 25), 0.05, 0.002);  // half a pixel at each end
  EXPECT_EQ(blurred.at(0, 30, 23), 0);
  EXPECT_EQ(blurred.at(0, 29, 30), 0);
}

TEST(MotionBlur, TheAngleIsCounterClockwise) {
  const Image blurred = impulse_through("motion_blur(length_px=15,angle_deg=45)");
  EXPECT_GT(blurred.at(0, 27, 33), 0.02);  // up and to the right
  EXPECT_EQ(blurred.at(0, 33, 33), 0);
  const Image upright = impulse_through("motion_blur(length_px=15,angle_deg=90)");
  EXPECT_NEAR(upright.at(0, 25, 30), 1 / 14.0, 0.002);
}

TEST(MotionBlur, ATremblingPathBendsAndKeepsTheLight) {
  const Image blurred = impulse_through("motion_blur(length_px=25,tremble=1)", 3);
  EXPECT_NEAR(test::mean_of(blurred.pixels()) * 61 * 61, 1, 1e-4);
  double off_axis = 0;
  for (int y = 0; y < 61; ++y) {
    for (int x = 0; x < 61; ++x) {
      if (std::abs(y - 30) > 1) off_axis += blurred.at(0, y, x);
    }
  }
  EXPECT_GT(off_axis, 0.1);
  EXPECT_FALSE(
      test::same_pixels(blurred, impulse_through("motion_blur(length_px=25,tremble=1)", 4)));
}

}  // namespace
}  // namespace chiaro::degrade::motion_blur_test
