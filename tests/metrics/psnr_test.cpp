#include "chiaro/metrics/psnr.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/expect_error.h"

namespace chiaro::metrics::psnr_test {
namespace {

using image::Image;

TEST(Psnr, OfAConstantErrorIsItsLogarithm) {
  const Image target(3, 5, 7, 0.5F);
  const Image restored(3, 5, 7, 0.25F);
  EXPECT_NEAR(psnr(restored, target), 20 * std::log10(4.0), 1e-9);
}

TEST(Psnr, OfIdenticalPicturesIsInfinite) {
  const Image picture(1, 4, 4, 0.3F);
  EXPECT_EQ(psnr(picture, picture), std::numeric_limits<double>::infinity());
}

TEST(Psnr, EpsilonMakesIdenticalPicturesFinite) {
  const Image picture(1, 4, 4, 0.3F);
  EXPECT_NEAR(psnr(picture, picture, preset("pyiqa", Metric::Psnr)), 80.0, 1e-9);
}

TEST(Psnr, RefusesNaN) {
  Image picture(3, 4, 4, 0.3F);
  const Image target = picture;
  picture.at(2, 1, 3) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_CHIARO_ERROR(psnr(picture, target), Input, "restored");
  EXPECT_CHIARO_ERROR(psnr(target, picture), Input, "target");
}

TEST(Psnr, RefusesInfinityEvenWhereClippingWouldHideIt) {
  Image picture(3, 4, 4, 0.3F);
  const Image target = picture;
  picture.at(0, 0, 0) = std::numeric_limits<float>::infinity();
  EXPECT_CHIARO_ERROR(psnr(picture, target), Input, "infinite");
}

TEST(Psnr, RefusesOtherSizesChannelsAndNothing) {
  const Image target(3, 4, 4);
  EXPECT_CHIARO_ERROR(psnr(Image(3, 4, 5), target), Input, "5x4");
  EXPECT_CHIARO_ERROR(psnr(Image(3, 5, 4), target), Input, "4x5");
  EXPECT_CHIARO_ERROR(psnr(Image(1, 4, 4), target), Input, "channels");
  EXPECT_CHIARO_ERROR(psnr(Image(), Image()), Input, "empty");
}

TEST(Psnr, RefusesABorderThatLeavesNothing) {
  const Image picture(3, 8, 20);
  Protocol protocol;
  protocol.border_px = 4;
  EXPECT_CHIARO_ERROR(psnr(picture, picture, protocol), Input, "nothing is left");
  protocol.border_px = 3;
  EXPECT_NO_THROW(psnr(picture, picture, protocol));
}

TEST(Psnr, RefusesANegativeBorder) {
  const Image picture(3, 8, 8);
  Protocol protocol;
  protocol.border_px = -1;
  EXPECT_CHIARO_ERROR(psnr(picture, picture, protocol), Usage, "border_px");
}

}  // namespace
}  // namespace chiaro::metrics::psnr_test
