#include <gtest/gtest.h>

#include <algorithm>

#include "tests/degrade/pictures.h"

namespace chiaro::degrade::snow_test {
namespace {

TEST(Snow, WithoutVeilOnlyBrightensWhatIsDarkerThanSnow) {
  Image clean = test::hand_made(3, 100, 100);
  const Image snowy = test::degraded(clean, "snow(coverage=0.2,veil=0)");
  std::size_t changed = 0;
  for (std::size_t i = 0; i < clean.pixels().size(); ++i) {
    if (clean.pixels()[i] < 0.9F) {
      EXPECT_GE(snowy.pixels()[i], clean.pixels()[i] - 1e-6F);
    }
    if (snowy.pixels()[i] > clean.pixels()[i] + 0.02F) ++changed;
  }
  EXPECT_GT(changed, clean.pixels().size() / 20);
}

TEST(Snow, CoverageIsAboutTheAreaHidden) {
  const auto hidden = [](const char* spec) {
    double sum = 0;
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      sum += test::mean_of(test::degraded(Image(1, 150, 150, 0.0F), spec, seed).pixels());
    }
    return sum / 8;
  };
  const double thin = hidden("snow(coverage=0.05,veil=0)");
  const double thick = hidden("snow(coverage=0.2,veil=0)");
  EXPECT_GT(thin, 0.05 * 0.1);
  EXPECT_LT(thin, 0.05);
  EXPECT_NEAR(thick / thin, 4, 0.8);
}

TEST(Snow, TheVeilIsEvenAir) {
  const Image veiled = test::degraded(Image(1, 20, 20, 0.0F), "snow(coverage=0,veil=0.5)");
  const auto [low, high] = std::ranges::minmax(veiled.pixels());
  EXPECT_FLOAT_EQ(low, high);
  EXPECT_GE(low, 0.5F * 0.75F - 1e-6F);
  EXPECT_LE(low, 0.5F * 0.95F + 1e-6F);
}

}  // namespace
}  // namespace chiaro::degrade::snow_test
