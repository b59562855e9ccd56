#include <gtest/gtest.h>

#include <numbers>

#include "tests/degrade/pictures.h"

namespace chiaro::degrade::defocus_blur_test {
namespace {

TEST(DefocusBlur, AnImpulseBecomesAnEvenDisc) {
  Image picture(1, 31, 31);
  picture.at(0, 15, 15) = 1;
  const Image blurred = test::degraded(picture, "defocus_blur(radius_px=5)");
  EXPECT_NEAR(test::mean_of(blurred.pixels()) * 31 * 31, 1, 1e-4);
  const double even = 1 / (std::numbers::pi * 25);
  for (const auto& [y, x] : {std::pair(15, 15), {15, 19}, {12, 12}, {11, 15}}) {
    EXPECT_NEAR(blurred.at(0, y, x), even, 0.02 * even);
  }
  EXPECT_EQ(blurred.at(0, 15, 21), 0);
  EXPECT_EQ(blurred.at(0, 11, 11), 0);
  EXPECT_GT(blurred.at(0, 15, 20), 0.2 * even);  // the rim is antialiased
  EXPECT_LT(blurred.at(0, 15, 20), 0.8 * even);
}

TEST(DefocusBlur, BelowHalfAPixelIsTheIdentity) {
  const Image clean = test::hand_made(3, 9, 9);
  EXPECT_TRUE(test::same_pixels(test::degraded(clean, "defocus_blur(radius_px=0.5)"), clean));
}

}  // namespace
}  // namespace chiaro::degrade::defocus_blur_test
