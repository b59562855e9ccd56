// Motion blur: the path of the camera (or of the thing) during the exposure, as a straight line or
// as a trembling hand.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "chiaro/degrade/catalogue.h"
#include "chiaro/degrade/filters.h"

namespace chiaro::degrade {
namespace {

constexpr double kLongest = 31;

struct MotionBlurOptions {
  double length_px = 13;
  double angle_deg = 0;
  double tremble = 0;
  static Fields<MotionBlurOptions> fields() {
    return {
        field("length_px", &MotionBlurOptions::length_px, "length of the path",
              {.min = 1, .max = 101, .unit = "px"}),
        field("angle_deg", &MotionBlurOptions::angle_deg,
              "direction at the start, counter-clockwise from horizontal",
              {.min = -180, .max = 180, .unit = "degrees"}),
        field("tremble", &MotionBlurOptions::tremble,
              "0: straight; above: how fast the direction wanders along the path",
              {.min = 0, .max = 1}),
    };
  }
};

/// The path in (y, x), its middle between the extremes at the origin. The direction is a random
/// walk whose speed is itself smoothed, so that the path curls like a hand-held exposure instead of
/// zigzagging.
std::vector<std::pair<double, double>> path(const MotionBlurOptions& options, Rng& rng) {
  constexpr int kPieces = 32;
  const double step_px = (options.length_px - 1) / kPieces;
  double angle = options.angle_deg * std::numbers::pi / 180;
  double turning = 0;
  double y = 0;
  double x = 0;
  std::vector<std::pair<double, double>> points = {{y, x}};
  for (int i = 0; i < kPieces; ++i) {
    y -= step_px * std::sin(angle);
    x += step_px * std::cos(angle);
    points.emplace_back(y, x);
    turning = 0.8 * turning + options.tremble * 0.25 * rng.normal();
    angle += turning;
  }
  double low_y = 0;
  double high_y = 0;
  double low_x = 0;
  double high_x = 0;
  for (const auto& [py, px] : points) {
    low_y = std::min(low_y, py);
    high_y = std::max(high_y, py);
    low_x = std::min(low_x, px);
    high_x = std::max(high_x, px);
  }
  for (auto& [py, px] : points) {
    py -= 0.5 * (low_y + high_y);
    px -= 0.5 * (low_x + high_x);
  }
  return points;
}

void blur(Image& picture, const MotionBlurOptions& options, Rng& rng, const Inputs&) {
  if (options.length_px > 1) convolve(picture, path_psf(path(options, rng)));
}

}  // namespace

Entry motion_blur() {
  return define<MotionBlurOptions>({
      .name = "motion_blur",
      .summary = "blur along a straight or trembling path",
      .reference = "G. Boracchi and A. Foi, Modeling the performance of image restoration from "
                   "motion blur, IEEE TIP 2012",
      .kind = "blur",
      .ranges = {{"length_px", "5..27"}, {"angle_deg", "-90..90"}, {"tremble", "0|0.1..1"}},
      .apply = blur,
      .severity = [](const MotionBlurOptions& o) { return (o.length_px - 1) / (kLongest - 1); },
      .at_severity =
          [](double s) {
            return MotionBlurOptions{.length_px = 1 + s * (kLongest - 1), .tremble = 0.3};
          },
  });
}

}  // namespace chiaro::degrade
