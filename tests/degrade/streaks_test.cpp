#include "chiaro/degrade/streaks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace chiaro::degrade::streaks_test {
namespace {

struct Shape {
  double mass = 0, y = 0, x = 0, along = 0, across = 0, angle_rad = 0;
};

/// Moments of a single streak: mass, middle, the deviations along its axes and the direction of the
/// long one.
Shape measure(const std::vector<float>& plane, int height, int width) {
  Shape s;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double v = plane[static_cast<std::size_t>(y * width + x)];
      s.mass += v;
      s.y += v * y;
      s.x += v * x;
    }
  }
  s.y /= s.mass;
  s.x /= s.mass;
  double yy = 0;
  double xx = 0;
  double xy = 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double v = plane[static_cast<std::size_t>(y * width + x)] / s.mass;
      yy += v * (y - s.y) * (y - s.y);
      xx += v * (x - s.x) * (x - s.x);
      xy += v * (x - s.x) * (y - s.y);
    }
  }
  const double middle = 0.5 * (yy + xx);
  const double spread = std::hypot(0.5 * (yy - xx), xy);
  s.along = std::sqrt(middle + spread);
  s.across = std::sqrt(std::max(0.0, middle - spread));
  s.angle_rad =
      0.5 * std::atan2(-2 * xy, yy - xx);  // from vertical, positive to the right at the top
  return s;
}

std::vector<float> drawn(const Streak& streak, int height = 101, int width = 121) {
  std::vector<float> plane(static_cast<std::size_t>(height * width));
  draw_streak(plane, height, width, streak);
  return plane;
}

TEST(Streak, LiesWhereAndHowItIsAsked) {
  for (const double degrees : {-80.0, -30.0, 0.0, 10.0, 45.0, 90.0}) {
    const double angle = degrees * std::numbers::pi / 180;
    const auto plane =
        drawn({.y = 50.3, .x = 60.7, .length_px = 40, .width_px = 2, .angle_rad = angle});
    const Shape s = measure(plane, 101, 121);
    EXPECT_NEAR(s.y, 50.3, 0.05) << degrees;
    EXPECT_NEAR(s.x, 60.7, 0.05) << degrees;
    EXPECT_NEAR(std::remainder(s.angle_rad - angle, std::numbers::pi), 0, 0.01) << degrees;
  }
}

TEST(Streak, LengthAndWidthScale) {
  const Shape base = measure(drawn({.y = 50, .x = 60, .length_px = 20, .width_px = 3}), 101, 121);
  const Shape longer = measure(drawn({.y = 50, .x = 60, .length_px = 60, .width_px = 3}), 101, 121);
  const Shape wider = measure(drawn({.y = 50, .x = 60, .length_px = 20, .width_px = 9}), 101, 121);
  EXPECT_NEAR(longer.along / base.along, 3, 0.05);
  EXPECT_NEAR(wider.across / base.across, std::sqrt(83.0 / 11.0),
              0.1);  // the pixel adds 2 in squares
}

TEST(Streak, FullWidthAtHalfHeight) {
  const auto plane = drawn({.y = 50, .x = 60, .length_px = 60, .width_px = 12});
  const float* row = plane.data() + 50 * 121;
  EXPECT_NEAR(row[60], 12 / std::sqrt(146.0), 1e-3);
  EXPECT_GT(row[60 + 5], 0.5F * row[60]);
  EXPECT_LT(row[60 + 7], 0.5F * row[60]);
}

TEST(Streak, MassDoesNotDependOnThePhaseOfThePixels) {
  const double first =
      measure(drawn({.y = 50, .x = 60, .length_px = 30, .width_px = 0.7}), 101, 121).mass;
  for (const double phase : {0.2, 0.5, 0.8}) {
    const auto plane = drawn({.y = 50 + phase, .x = 60 + phase, .length_px = 30, .width_px = 0.7});
    EXPECT_NEAR(measure(plane, 101, 121).mass / first, 1, 0.05) << phase;
  }
}

TEST(Streak, ThinOnesGetFainterAndEdgesAreSafe) {
  const auto thin = drawn({.y = 50, .x = 60, .length_px = 30, .width_px = 0.25});
  EXPECT_LT(thin[50 * 121 + 60], 0.3F);
  for (const double x : {-30.0, -1.0, 0.0, 120.0, 140.0}) {
    EXPECT_NO_FATAL_FAILURE(
        drawn({.y = -4, .x = x, .length_px = 90, .width_px = 5, .angle_rad = 1}));
  }
}

}  // namespace
}  // namespace chiaro::degrade::streaks_test
