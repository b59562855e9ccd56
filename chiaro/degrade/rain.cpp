// Rain: layers of streaks, added (x = y + m) or screened (x = 1 − (1−y)(1−m)), over an optional
// veil of mist. Streaks of one shower share a direction; each has its own length, width and
// brightness; farther layers are denser, shorter, thinner and fainter.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "chiaro/degrade/catalogue.h"
#include "chiaro/degrade/filters.h"
#include "chiaro/degrade/random_fields.h"
#include "chiaro/degrade/streaks.h"

namespace chiaro::degrade {
namespace {

constexpr double kMostRainCoverage = 0.4;
constexpr double kMostIntensity = 0.6;

struct RainOptions {
  std::string mode = "additive";
  double coverage = 0.12;
  double intensity = 0.4;
  double length_px = 20;
  double width_px = 1.2;
  double angle_deg = 10;
  double spread_deg = 1.5;
  int layers = 2;
  double blur_px = 0.4;
  double uneven = 0.4;
  double veil = 0;
  static Fields<RainOptions> fields() {
    return {
        field("mode", &RainOptions::mode, "how streaks meet the picture",
              {.choices = {"additive", "screen"}}),
        field("coverage", &RainOptions::coverage,
              "area of the nearest layer's streaks (length times width) over that of the picture",
              {.min = 0, .max = 4}),
        field("intensity", &RainOptions::intensity, "brightness of the strongest streaks",
              {.min = 0, .max = 1}),
        field("length_px", &RainOptions::length_px, "mean length in the nearest layer",
              {.min = 1, .max = 300, .unit = "px"}),
        field("width_px", &RainOptions::width_px,
              "mean width in the nearest layer, at most a third of the length",
              {.min = 0.2, .max = 20, .unit = "px"}),
        field("angle_deg", &RainOptions::angle_deg,
              "direction from vertical, positive leaning to the right at the top",
              {.min = -90, .max = 90, .unit = "degrees"}),
        field("spread_deg", &RainOptions::spread_deg, "deviation of the single streak's direction",
              {.min = 0, .max = 45, .unit = "degrees"}),
        field("layers", &RainOptions::layers, "how many layers, near to far", {.min = 1, .max = 5}),
        field("blur_px", &RainOptions::blur_px, "softness of the streaks (Gaussian deviation)",
              {.min = 0, .max = 10, .unit = "px"}),
        field("uneven", &RainOptions::uneven, "how much weaker the rain is where it is weakest",
              {.min = 0, .max = 1}),
        field("veil", &RainOptions::veil, "share of mist over the picture", {.min = 0, .max = 1}),
    };
  }
};

/// Of one streak relative to the strongest: most are faint, as most drops are far or small.
double brightness(Rng& rng) {
  const double u = rng.uniform();
  return 0.2 + 0.8 * u * u;
}

/// The brightness of the streaks (H,W), not negative.
std::vector<float> streak_mask(int height, int width, const RainOptions& options, Rng& rng) {
  std::vector<float> mask(static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
  double coverage = options.coverage;
  double length = options.length_px;
  double thickness = std::min(options.width_px, length / 3);
  double intensity = options.intensity;
  for (int layer = 0; layer < options.layers; ++layer) {
    const double margin = 0.75 * length;
    const double area = (height + 2 * margin) * (width + 2 * margin);
    Rng drops = rng.fork("drops");  // the first of more are the same as of fewer
    const auto count =
        static_cast<std::int64_t>(rng.poisson(coverage * area / (length * thickness)));
    for (std::int64_t i = 0; i < count; ++i) {
      const double direction = options.angle_deg + options.spread_deg * fast_normal(drops);
      draw_streak(mask, height, width,
                  {.y = drops.uniform(-margin, height + margin),
                   .x = drops.uniform(-margin, width + margin),
                   .length_px = length * drops.uniform(0.6, 1.4),
                   .width_px = thickness * drops.uniform(0.7, 1.3),
                   .angle_rad = direction * std::numbers::pi / 180,
                   .strength = intensity * brightness(drops)});
    }
    length *= 0.6;
    thickness *= 0.75;
    intensity *= 0.6;
  }
  blur_plane(mask, height, width, options.blur_px);
  if (options.uneven > 0) {
    const auto field = smooth_field(height, width, 2.5, 2, rng);
    const auto uneven = static_cast<float>(options.uneven);
    for (std::size_t i = 0; i < mask.size(); ++i) mask[i] *= 1.0F - uneven * field[i];
  }
  return mask;
}

void add_rain(Image& picture, const RainOptions& options, Rng& rng, const Inputs&) {
  const int height = picture.height();
  const int width = picture.width();
  const auto mask = streak_mask(height, width, options, rng);
  const bool additive = options.mode == "additive";
  const auto air = static_cast<float>(rng.uniform(0.65, 0.95));
  const auto mist =
      options.veil > 0 ? smooth_field(height, width, 2, 2, rng) : std::vector<float>();
  for (int c = 0; c < picture.channels(); ++c) {
    auto plane = picture.plane(c);
    for (std::size_t i = 0; i < mist.size(); ++i) {
      const float share = static_cast<float>(options.veil) * (0.7F + 0.3F * mist[i]);
      plane[i] += share * (air - plane[i]);
    }
    for (std::size_t i = 0; i < plane.size(); ++i) {
      const float m = std::min(mask[i], 1.0F);
      plane[i] += additive ? m : m * (1.0F - plane[i]);
    }
  }
}

double strength(const RainOptions& o) {
  const double share = o.coverage * o.intensity / (kMostRainCoverage * kMostIntensity);
  return std::max(share, o.veil);
}

}  // namespace

Entry rain() {
  return define<RainOptions>({
      .name = "rain",
      .summary = "layers of rain streaks with an optional veil",
      .reference =
          "W. Yang et al., Deep Joint Rain Detection and Removal, CVPR 2017, arXiv:1609.07769; "
          "K. Garg and S. Nayar, Photorealistic rendering of rain streaks, SIGGRAPH 2006",
      .ranges = {{"mode", "additive|additive|screen"},
                 {"coverage", "0.06..0.45~log"},
                 {"intensity", "0.2..0.9~log"},
                 {"length_px", "5..60~log|12..45~log|12..45~log"},
                 {"width_px", "0.7..3~log"},
                 {"angle_deg", "-15..15|-45..45"},
                 {"spread_deg", "0..1|0..5"},
                 {"layers", "1..3"},
                 {"blur_px", "0|0.3..1"},
                 {"uneven", "0|0.2..0.8"},
                 {"veil", "0|0|0.05..0.4"}},
      .apply = add_rain,
      .severity = strength,
      .at_severity =
          [](double s) {
            RainOptions o;
            o.coverage = kMostRainCoverage * std::sqrt(s);
            o.intensity = kMostIntensity * std::sqrt(s);
            return o;
          },
  });
}

}  // namespace chiaro::degrade
