#include "chiaro/metrics/ssim.h"

#include <gtest/gtest.h>

#include "tests/support/expect_error.h"

namespace chiaro::metrics::ssim_test {
namespace {

using image::Image;

TEST(Ssim, OfIdenticalPicturesIsOne) {
  const Image picture(3, 20, 20, 0.4F);
  EXPECT_DOUBLE_EQ(ssim(picture, picture), 1.0);
}

TEST(Ssim, OfFlatPicturesIsTheLuminanceTerm) {
  const Image a(1, 12, 13, 0.5F);
  const Image b(1, 12, 13, 0.25F);
  const double c1 = 1e-4;
  EXPECT_NEAR(ssim(a, b), (2 * 0.125 + c1) / (0.25 + 0.0625 + c1), 1e-12);
}

TEST(Ssim, RefusesPicturesSmallerThanTheWindow) {
  EXPECT_CHIARO_ERROR(ssim(Image(1, 10, 30), Image(1, 10, 30)), Input, "window");
  EXPECT_NO_THROW(ssim(Image(1, 11, 11), Image(1, 11, 11)));
}

}  // namespace
}  // namespace chiaro::metrics::ssim_test
