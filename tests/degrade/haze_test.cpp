#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/degrade/pictures.h"

namespace chiaro::degrade::haze_test {
namespace {

TEST(Haze, FollowsTheScatteringModelWithAMap) {
  const Image clean = test::hand_made(3, 10, 12);
  Image depth(1, 10, 12);
  for (int y = 0; y < 10; ++y) {
    for (int x = 0; x < 12; ++x) depth.at(0, y, x) = 0.1F * static_cast<float>(y);
  }
  const Image hazy = test::degraded(clean, "haze(beta=1.5,airlight=0.8)", 1, {.depth = &depth});
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < 10; ++y) {
      const double t = std::exp(-1.5 * 0.1 * y);
      EXPECT_NEAR(hazy.at(c, y, 7), clean.at(c, y, 7) * t + 0.8 * (1 - t), 1e-5);
    }
  }
}

TEST(Haze, ProceduralDistancesReachFromNearToFar) {
  // On black with white air x = 1 − exp(−β d), so d can be read off.
  const Image hazy =
      test::degraded(Image(1, 60, 80, 0.0F), "haze(beta=1,airlight=1,near=0.25,ramp=1)");
  const auto [low, high] = std::ranges::minmax(hazy.pixels());
  EXPECT_NEAR(-std::log(1 - low), 0.25, 1e-3);
  EXPECT_NEAR(-std::log(1 - high), 1.0, 1e-3);
  const auto row_mean = [&](int y) {
    return test::mean_of(hazy.plane(0).subspan(80U * static_cast<std::size_t>(y), 80));
  };
  EXPECT_GT(row_mean(0), row_mean(30));  // far is up
  EXPECT_GT(row_mean(30), row_mean(59));
}

TEST(Haze, TheTintStaysWithinItsBound) {
  const Image hazy =
      test::degraded(Image(3, 8, 8, 0.0F), "haze(beta=20,airlight=0.7,tint=0.1,near=1)");
  for (int c = 0; c < 3; ++c) EXPECT_NEAR(test::mean_of(hazy.plane(c)), 0.7, 0.1 + 1e-6);
  EXPECT_GT(std::abs(test::mean_of(hazy.plane(0)) - test::mean_of(hazy.plane(1))), 1e-3);
}

}  // namespace
}  // namespace chiaro::degrade::haze_test
