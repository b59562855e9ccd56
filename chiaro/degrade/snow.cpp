// Falling snow, x = y(1 − m) + w·m: layers of flakes from large, soft and near to tiny and far,
// drawn out along the fall, over an optional veil.
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

constexpr double kMostCoverage = 0.4;

struct SnowOptions {
  double coverage = 0.08;
  double size_px = 6;
  double opacity = 0.9;
  double fall = 0.5;
  double angle_deg = 15;
  double veil = 0.1;
  static Fields<SnowOptions> fields() {
    return {
        field("coverage", &SnowOptions::coverage,
              "area of the flakes over that of the picture, all layers together",
              {.min = 0, .max = 2}),
        field("size_px", &SnowOptions::size_px, "mean diameter in the nearest layer",
              {.min = 0.5, .max = 100, .unit = "px"}),
        field("opacity", &SnowOptions::opacity, "of the densest flakes", {.min = 0, .max = 1}),
        field("fall", &SnowOptions::fall, "way during the exposure over the diameter",
              {.min = 0, .max = 10}),
        field("angle_deg", &SnowOptions::angle_deg,
              "direction of the fall from vertical, positive leaning to the right at the top",
              {.min = -90, .max = 90, .unit = "degrees"}),
        field("veil", &SnowOptions::veil, "share of white air over the picture",
              {.min = 0, .max = 1}),
    };
  }
};

/// One flake: a few overlapping blobs, so that large ones are not round.
void draw_flake(std::vector<float>& mask, int height, int width, double size_px, double opacity,
                const SnowOptions& options, Rng& rng) {
  const double y = rng.uniform(-size_px, height + size_px);
  const double x = rng.uniform(-size_px, width + size_px);
  const double lean = options.angle_deg + 12 * fast_normal(rng);
  const int lobes = size_px < 2.5 ? 1 : 3;
  const double lobe_px = lobes == 1 ? size_px : 0.7 * size_px;
  for (int lobe = 0; lobe < lobes; ++lobe) {
    const double away = lobes == 1 ? 0 : 0.25 * size_px;
    draw_streak(mask, height, width,
                {.y = y + away * fast_normal(rng),
                 .x = x + away * fast_normal(rng),
                 .length_px = 1.5 * lobe_px + options.fall * size_px,
                 .width_px = lobe_px,
                 .angle_rad = lean * std::numbers::pi / 180,
                 .strength = opacity * (lobes == 1 ? 1.0 : 0.6)});
  }
}

std::vector<float> flakes(int height, int width, const SnowOptions& options, Rng& rng) {
  constexpr int kLayers = 3;
  std::vector<float> mask(static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
  double size = options.size_px;
  double opacity = 0.75 * options.opacity;
  double softness = 0.12;
  for (int layer = 0; layer < kLayers; ++layer) {  // near to far
    const double area = (height + 2 * size) * (width + 2 * size);
    const double flake = size * size * (1 + options.fall);
    const auto count =
        static_cast<std::int64_t>(rng.poisson(options.coverage / kLayers * area / flake));
    std::vector<float> plane(mask.size());
    for (std::int64_t i = 0; i < count; ++i) {
      draw_flake(plane, height, width, size * rng.uniform(0.5, 1.5),
                 opacity * rng.uniform(0.5, 1.0), options, rng);
    }
    blur_plane(plane, height, width, softness * size);
    for (std::size_t i = 0; i < mask.size(); ++i) {
      mask[i] += (1.0F - mask[i]) * std::min(plane[i], 1.0F);
    }
    size *= 0.5;
    opacity = options.opacity * (layer == 0 ? 1.0 : 0.8);
    softness = 0.05;
  }
  return mask;
}

void add_snow(Image& picture, const SnowOptions& options, Rng& rng, const Inputs&) {
  const int height = picture.height();
  const int width = picture.width();
  const auto mask = flakes(height, width, options, rng);
  const auto white = static_cast<float>(rng.uniform(0.9, 1.0));
  const auto air = static_cast<float>(rng.uniform(0.75, 0.95));
  const auto veil = static_cast<float>(options.veil);
  for (int c = 0; c < picture.channels(); ++c) {
    auto plane = picture.plane(c);
    for (std::size_t i = 0; i < plane.size(); ++i) {
      const float behind = plane[i] + veil * (air - plane[i]);
      plane[i] = behind + mask[i] * (white - behind);
    }
  }
}

}  // namespace

Entry snow() {
  return define<SnowOptions>({
      .name = "snow",
      .summary = "falling flakes in three layers with a veil",
      .reference = "Y.-F. Liu et al., DesnowNet, IEEE TIP 2018, arXiv:1708.04512",
      .ranges = {{"coverage", "0.02..0.3~log"},
                 {"size_px", "2..14~log"},
                 {"opacity", "0.6..1"},
                 {"fall", "0..2"},
                 {"angle_deg", "-40..40"},
                 {"veil", "0|0..0.35"}},
      .apply = add_snow,
      .severity =
          [](const SnowOptions& o) {
            return std::max(o.coverage * o.opacity / kMostCoverage, o.veil);
          },
      .at_severity =
          [](double s) {
            return SnowOptions{.coverage = s * kMostCoverage, .opacity = 1, .veil = 0.3 * s};
          },
  });
}

}  // namespace chiaro::degrade
