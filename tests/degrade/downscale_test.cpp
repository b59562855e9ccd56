#include <gtest/gtest.h>

#include "tests/degrade/pictures.h"

namespace chiaro::degrade::downscale_test {
namespace {

TEST(Downscale, AreaAndNearestGiveEvenBlocksOfTheMean) {
  const Image clean = test::hand_made(3, 24, 32);
  const Image coarse = test::degraded(clean, "downscale(factor=4,down=area,up=nearest)");
  for (int by = 0; by < 6; ++by) {
    for (int bx = 0; bx < 8; ++bx) {
      double mean = 0;
      for (int y = 0; y < 4; ++y) {
        for (int x = 0; x < 4; ++x) mean += clean.at(1, 4 * by + y, 4 * bx + x) / 16;
      }
      EXPECT_NEAR(coarse.at(1, 4 * by, 4 * bx), mean, 1e-5);
      EXPECT_EQ(coarse.at(1, 4 * by + 3, 4 * bx + 3), coarse.at(1, 4 * by, 4 * bx));
    }
  }
}

TEST(Downscale, CubicKeepsSlopesAndLosesFineTexture) {
  Image slope(1, 40, 40);
  Image stripes(1, 40, 40);
  for (int y = 0; y < 40; ++y) {
    for (int x = 0; x < 40; ++x) {
      slope.at(0, y, x) = 0.02F * static_cast<float>(x);
      stripes.at(0, y, x) = x % 2 == 0 ? 0.9F : 0.1F;
    }
  }
  const Image kept = test::degraded(slope, "downscale(factor=2)");
  for (int x = 8; x < 32; ++x) EXPECT_NEAR(kept.at(0, 20, x), slope.at(0, 20, x), 1e-4);
  const Image lost = test::degraded(stripes, "downscale(factor=4)");
  for (int x = 8; x < 32; ++x) EXPECT_NEAR(lost.at(0, 20, x), 0.5, 0.05);
}

TEST(Downscale, FactorOneIsTheIdentity) {
  const Image clean = test::hand_made(3, 9, 11);
  EXPECT_TRUE(test::same_pixels(test::degraded(clean, "downscale(factor=1)"), clean));
}

}  // namespace
}  // namespace chiaro::degrade::downscale_test
