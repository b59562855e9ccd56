#include <gtest/gtest.h>

#include <cmath>

#include "tests/degrade/pictures.h"

namespace chiaro::degrade::gaussian_blur_test {
namespace {

Image impulse() {
  Image picture(1, 41, 41);
  picture.at(0, 20, 20) = 1;
  return picture;
}

TEST(GaussianBlur, AnImpulseBecomesTheGaussian) {
  const Image blurred = test::degraded(impulse(), "gaussian_blur(sigma_px=2)");
  EXPECT_NEAR(test::mean_of(blurred.pixels()) * 41 * 41, 1, 1e-4);
  for (const int d : {0, 1, 3}) {
    const double expected = std::exp(-0.5 * d * d / 4.0) / (2 * 3.14159265 * 4);
    EXPECT_NEAR(blurred.at(0, 20, 20 + d), expected, 0.02 * expected);
    EXPECT_NEAR(blurred.at(0, 20 + d, 20), expected, 0.02 * expected);
  }
}

TEST(GaussianBlur, TheEllipseLiesAlongItsAngle) {
  // Counter-clockwise from horizontal: 45 degrees point to the upper right.
  const Image blurred =
      test::degraded(impulse(), "gaussian_blur(sigma_px=3,ratio=0.3,angle_deg=45)");
  EXPECT_NEAR(test::mean_of(blurred.pixels()) * 41 * 41, 1, 1e-4);
  EXPECT_GT(blurred.at(0, 17, 23), 10 * blurred.at(0, 23, 23));
  const Image flat = test::degraded(impulse(), "gaussian_blur(sigma_px=3,ratio=0.3)");
  EXPECT_GT(flat.at(0, 20, 24), 10 * flat.at(0, 24, 20));
}

TEST(GaussianBlur, ZeroIsTheIdentity) {
  const Image clean = test::hand_made(3, 9, 9);
  EXPECT_TRUE(test::same_pixels(test::degraded(clean, "gaussian_blur(sigma_px=0)"), clean));
}

}  // namespace
}  // namespace chiaro::degrade::gaussian_blur_test
