#include <gtest/gtest.h>

#include <cmath>

#include "tests/degrade/pictures.h"

namespace chiaro::degrade::noise_test {
namespace {

TEST(Noise, HasTheStatedMeanAndDeviation) {
  const Image clean(3, 200, 200, 0.5F);
  for (const double sigma : {5.0, 15.0, 30.0}) {
    Rng rng(1);
    const Image noisy =
        apply(clean, {{"noise", {{"sigma_u8", sigma}, {"storage", std::string("float")}}}}, rng);
    for (int c = 0; c < 3; ++c) {
      EXPECT_NEAR(test::mean_of(noisy.plane(c)) * 255, 127.5, sigma * 0.02);
      EXPECT_NEAR(test::deviation_of(noisy.plane(c)) * 255, sigma, sigma * 0.02);
    }
  }
}

TEST(Noise, IsWhiteAndIndependentBetweenChannels) {
  const Image noisy = test::degraded(Image(3, 200, 200, 0.5F), "noise(sigma_u8=20,storage=float)");
  double neighbours = 0;
  double channels = 0;
  for (int y = 0; y < 200; ++y) {
    for (int x = 1; x < 200; ++x) {
      neighbours += (noisy.at(0, y, x) - 0.5) * (noisy.at(0, y, x - 1) - 0.5);
      channels += (noisy.at(0, y, x) - 0.5) * (noisy.at(1, y, x) - 0.5);
    }
  }
  const double variance = std::pow(20.0 / 255, 2) * 200 * 199;
  EXPECT_NEAR(neighbours / variance, 0, 0.025);
  EXPECT_NEAR(channels / variance, 0, 0.025);
}

TEST(Noise, GreyNoiseIsTheSameInAllChannels) {
  const Image noisy =
      test::degraded(Image(3, 30, 30, 0.5F), "noise(sigma_u8=20,grey=true,storage=float)");
  for (std::size_t i = 0; i < noisy.plane_size(); ++i) {
    EXPECT_EQ(noisy.plane(0)[i], noisy.plane(1)[i]);
    EXPECT_EQ(noisy.plane(0)[i], noisy.plane(2)[i]);
  }
}

TEST(Noise, StorageRoundsOrCutsOff) {
  const Image clean = test::hand_made(3, 64, 64);
  const Image exact = test::degraded(clean, "noise(sigma_u8=25,storage=float)");
  const Image rounded = test::degraded(clean, "noise(sigma_u8=25)");
  const Image cut = test::degraded(clean, "noise(sigma_u8=25,storage=truncate)");
  for (std::size_t i = 0; i < exact.pixels().size(); ++i) {
    EXPECT_NEAR(rounded.pixels()[i] * 255, std::round(exact.pixels()[i] * 255), 1e-3);
    EXPECT_NEAR(cut.pixels()[i] * 255, std::floor(exact.pixels()[i] * 255), 1e-3);
  }
  EXPECT_NEAR((test::mean_of(exact.pixels()) - test::mean_of(cut.pixels())) * 255, 0.5, 0.03);
}

}  // namespace
}  // namespace chiaro::degrade::noise_test
