#include <gtest/gtest.h>

#include <cmath>

#include "tests/degrade/pictures.h"

namespace chiaro::degrade::low_light_test {
namespace {

TEST(LowLight, IsGainTimesPowerWithoutNoise) {
  const Image clean = test::hand_made(3, 16, 16);
  const Image dark =
      test::degraded(clean, "low_light(gain=0.4,gamma=2.2,shot_u8=0,read_u8=0,storage=float)");
  for (std::size_t i = 0; i < clean.pixels().size(); ++i) {
    EXPECT_NEAR(dark.pixels()[i], 0.4 * std::pow(clean.pixels()[i], 2.2), 1e-5);
  }
}

TEST(LowLight, NoiseHasPhotonAndReadingParts) {
  const Image clean(1, 250, 250, 0.6F);
  const Image dark =
      test::degraded(clean, "low_light(gain=0.5,gamma=1,shot_u8=20,read_u8=3,storage=float)");
  EXPECT_NEAR(test::mean_of(dark.pixels()), 0.3, 0.002);
  EXPECT_NEAR(test::deviation_of(dark.pixels()) * 255, std::sqrt(400 * 0.3 + 9), 0.2);
}

TEST(LowLight, TheCastChangesChannelsWithinItsBound) {
  const Image dark =
      test::degraded(Image(3, 4, 4, 0.5F),
                     "low_light(gain=0.4,gamma=1,shot_u8=0,read_u8=0,cast=0.2,storage=float)");
  for (int c = 0; c < 3; ++c) EXPECT_NEAR(dark.at(c, 0, 0), 0.2, 0.2 * 0.2 + 1e-6);
  EXPECT_NE(dark.at(0, 0, 0), dark.at(1, 0, 0));
}

TEST(LowLight, IsStoredInEightBitByDefault) {
  const Image dark = test::degraded(test::hand_made(3, 16, 16), "low_light");
  for (const float v : dark.pixels()) EXPECT_NEAR(v * 255, std::round(v * 255), 1e-3);
}

}  // namespace
}  // namespace chiaro::degrade::low_light_test
