#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/degrade/pictures.h"

namespace chiaro::degrade::rain_test {
namespace {

TEST(Rain, AdditiveRainOnlyBrightensAndIsGrey) {
  Image clean = test::hand_made(3, 120, 120);
  for (float& v : clean.pixels()) v *= 0.4F;
  const Image rainy = test::degraded(clean, "rain(coverage=0.1,intensity=0.3)");
  double added = 0;
  for (std::size_t i = 0; i < clean.plane_size(); ++i) {
    const float red = rainy.plane(0)[i] - clean.plane(0)[i];
    const float blue = rainy.plane(2)[i] - clean.plane(2)[i];
    ASSERT_GE(red, -1e-6F);
    if (rainy.plane(0)[i] < 1 && rainy.plane(2)[i] < 1) {
      ASSERT_NEAR(red, blue, 1e-5);
    }
    added += red;
  }
  EXPECT_GT(added / static_cast<double>(clean.plane_size()), 0.005);
}

TEST(Rain, ScreenIsTheSameMaskWeightedByDarkness) {
  const Image clean(1, 80, 80, 0.3F);
  const char* rest = "coverage=0.1,intensity=0.5";
  const Image added =
      test::degraded(clean, ("rain(mode=additive," + std::string(rest) + ")").c_str());
  const Image screened =
      test::degraded(clean, ("rain(mode=screen," + std::string(rest) + ")").c_str());
  for (std::size_t i = 0; i < clean.plane_size(); ++i) {
    if (added.plane(0)[i] >= 1) continue;
    const double mask = added.plane(0)[i] - 0.3;
    EXPECT_NEAR(screened.plane(0)[i], 1 - (1 - 0.3) * (1 - mask), 1e-5);
  }
}

TEST(Rain, StreaksLeanAsAsked) {
  // The structure tensor of the mask gives the direction across the streaks.
  for (const double angle : {-30.0, 0.0, 20.0}) {
    Rng rng(2);
    const Image rainy = apply(Image(1, 160, 160),
                              {{"rain",
                                {{"angle_deg", angle},
                                 {"spread_deg", 0.0},
                                 {"width_px", 5.0},
                                 {"length_px", 40.0},
                                 {"uneven", 0.0}}}},
                              rng);
    double yy = 0;
    double xx = 0;
    double xy = 0;
    for (int y = 1; y < 159; ++y) {
      for (int x = 1; x < 159; ++x) {
        const double gy = rainy.at(0, y + 1, x) - rainy.at(0, y - 1, x);
        const double gx = rainy.at(0, y, x + 1) - rainy.at(0, y, x - 1);
        yy += gy * gy;
        xx += gx * gx;
        xy += gx * gy;
      }
    }
    const double measured = 0.5 * std::atan2(2 * xy, xx - yy) * 180 / std::numbers::pi;
    EXPECT_NEAR(measured, angle, 3);
  }
}

TEST(Rain, LengthAndWidthShowInTheCorrelation) {
  const auto correlation = [](double length, double width, int dy, int dx) {
    Rng rng(5);
    const Image rainy = apply(Image(1, 200, 200),
                              {{"rain",
                                {{"angle_deg", 0.0},
                                 {"spread_deg", 0.0},
                                 {"layers", std::int64_t{1}},
                                 {"blur_px", 0.0},
                                 {"uneven", 0.0},
                                 {"coverage", 0.05},
                                 {"length_px", length},
                                 {"width_px", width}}}},
                              rng);
    const double mean = test::mean_of(rainy.pixels());
    const double deviation = test::deviation_of(rainy.pixels());
    double product = 0;
    for (int y = 0; y < 200 - dy; ++y) {
      for (int x = 0; x < 200 - dx; ++x) {
        product += (rainy.at(0, y, x) - mean) * (rainy.at(0, y + dy, x + dx) - mean);
      }
    }
    return product / ((200.0 - dy) * (200 - dx) * deviation * deviation);
  };
  EXPECT_GT(correlation(40, 1.5, 12, 0), 0.5);
  EXPECT_LT(correlation(10, 1.5, 12, 0), 0.15);
  EXPECT_LT(correlation(40, 1.5, 0, 4), 0.15);
  EXPECT_GT(correlation(40, 6.0, 0, 4), 0.3);
}

TEST(Rain, TheVeilLiftsBlackAndDimsWhite) {
  const char* spec = "rain(coverage=0,veil=0.4)";
  const double black = test::mean_of(test::degraded(Image(1, 60, 60, 0.0F), spec).pixels());
  const double white = test::mean_of(test::degraded(Image(1, 60, 60, 1.0F), spec).pixels());
  EXPECT_GT(black, 0.4 * 0.7 * 0.65 - 1e-6);
  EXPECT_LT(black, 0.4 * 0.95 + 1e-6);
  EXPECT_LT(white, 1 - 0.4 * 0.7 * 0.05 + 1e-6);
}

}  // namespace
}  // namespace chiaro::degrade::rain_test
