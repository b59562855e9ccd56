#include <gtest/gtest.h>

#include "tests/degrade/pictures.h"

namespace chiaro::degrade::raindrop_test {
namespace {

TEST(Raindrop, ChangesAboutTheAreaItCovers) {
  const Image clean = test::hand_made(3, 200, 200);
  double share = 0;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const Image wet = test::degraded(clean, "raindrop(coverage=0.15,radius_px=8)", seed);
    std::size_t changed = 0;
    for (std::size_t i = 0; i < clean.plane_size(); ++i) {
      if (wet.plane(0)[i] != clean.plane(0)[i]) ++changed;
    }
    share += static_cast<double>(changed) / static_cast<double>(clean.plane_size()) / 8;
  }
  EXPECT_NEAR(share, 0.15, 0.05);
}

TEST(Raindrop, ShowsTheSceneUpsideDown) {
  // Bright above, dark below: the lower half of a drop in the middle of the dark shows light from
  // above and the other way round, so inside drops near the border of light the order is reversed.
  Image clean(1, 120, 120);
  for (int y = 0; y < 60; ++y) {
    for (int x = 0; x < 120; ++x) clean.at(0, y, x) = 1;
  }
  double upper = 0;
  double lower = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Image wet = test::degraded(clean, "raindrop(coverage=0.3,radius_px=10,shrink=5)", seed);
    for (int x = 0; x < 120; ++x) {
      upper += 1 - wet.at(0, 57, x);  // darkened above the border
      lower += wet.at(0, 62, x);      // brightened below it
    }
  }
  EXPECT_GT(upper / (20 * 120), 0.03);
  EXPECT_GT(lower / (20 * 120), 0.03);
}

TEST(Raindrop, WithoutCoverageNothingHappens) {
  const Image clean = test::hand_made(3, 50, 50);
  EXPECT_TRUE(test::same_pixels(test::degraded(clean, "raindrop(coverage=0)"), clean));
}

}  // namespace
}  // namespace chiaro::degrade::raindrop_test
