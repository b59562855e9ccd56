#include <gtest/gtest.h>

#include "chiaro/image/codec.h"
#include "tests/degrade/pictures.h"

namespace chiaro::degrade::jpeg_test {
namespace {

TEST(Jpeg, IsTheCodecItself) {
  const Image clean = test::hand_made(3, 40, 56);
  const Image coded = image::jpeg_round_trip(clean, 70, true);
  EXPECT_TRUE(test::same_pixels(test::degraded(clean, "jpeg(quality=70)"), coded));
  const Image full = image::jpeg_round_trip(clean, 70, false);
  EXPECT_TRUE(
      test::same_pixels(test::degraded(clean, "jpeg(quality=70,halved_chroma=false)"), full));
  EXPECT_GT(test::mse(coded, full), 0);
}

TEST(Jpeg, LeavesBlocksOfEight) {
  Image slope(1, 32, 64);
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 64; ++x) slope.at(0, y, x) = 0.2F + 0.009F * static_cast<float>(x);
  }
  const Image coded = test::degraded(slope, "jpeg(quality=5)");
  double at_edges = 0;
  double inside = 0;
  for (int y = 0; y < 32; ++y) {
    for (int x = 1; x < 64; ++x) {
      (x % 8 == 0 ? at_edges : inside) += std::abs(coded.at(0, y, x) - coded.at(0, y, x - 1));
    }
  }
  EXPECT_GT(at_edges / 7, 3 * inside / 56);
}

}  // namespace
}  // namespace chiaro::degrade::jpeg_test
