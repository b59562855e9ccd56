// Falling snow, x = y(1 − m) + w·m: layers of flakes from large, soft and near to tiny and far,
// drawn out along the fall, over an optional veil.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "chiaro/degrade/catalogue.h"
#include "chiaro/degrade/random_fields.h"

namespace chiaro::degrade {
namespace {

constexpr double kMostSnowCoverage = 0.4;

struct SnowOptions {
  double coverage = 0.08;
  double size_px = 6;
  double opacity = 0.9;
  double fall = 0.3;
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

/// Where a flake is during the exposure: the path of a round blob.
struct Fall {
  double y, x;          ///< middle of the path
  double way_y, way_x;  ///< half of it
};

/// Adds a blob of half-width `radius` drawn out along the path; `rim` is the share of the radius
/// over which it fades.
void draw_blob(std::vector<float>& mask, int height, int width, const Fall& path, double radius,
               double rim, double strength) {
  const double foot = radius + 0.5;  // at least the reach of one pixel
  const double reach_y = std::abs(path.way_y) + foot;
  const double reach_x = std::abs(path.way_x) + foot;
  const double way = path.way_y * path.way_y + path.way_x * path.way_x;
  const int top = std::max(0, static_cast<int>(std::ceil(path.y - reach_y)));
  const int bottom = std::min(height - 1, static_cast<int>(std::floor(path.y + reach_y)));
  const int left = std::max(0, static_cast<int>(std::ceil(path.x - reach_x)));
  const int right = std::min(width - 1, static_cast<int>(std::floor(path.x + reach_x)));
  for (int y = top; y <= bottom; ++y) {
    float* row = mask.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width);
    for (int x = left; x <= right; ++x) {
      const double dy = y - path.y;
      const double dx = x - path.x;
      const double along =
          way > 0 ? std::clamp((dy * path.way_y + dx * path.way_x) / way, -1.0, 1.0) : 0.0;
      const double away_y = dy - along * path.way_y;
      const double away_x = dx - along * path.way_x;
      const double inside = 1 - std::sqrt(away_y * away_y + away_x * away_x) / foot;
      if (inside <= 0) continue;
      const double t = std::min(1.0, inside / rim);
      row[x] += static_cast<float>(strength * t * t * (3 - 2 * t));
    }
  }
}

/// One flake: a few overlapping blobs, so that large ones are not round.
void draw_flake(std::vector<float>& mask, int height, int width, double size_px, double rim,
                double opacity, const SnowOptions& options, Rng& rng) {
  const double lean = (options.angle_deg + 12 * fast_normal(rng)) * std::numbers::pi / 180;
  const double way = 0.5 * options.fall * size_px;
  const Fall middle{.y = rng.uniform(-size_px, height + size_px),
                    .x = rng.uniform(-size_px, width + size_px),
                    .way_y = -way * std::cos(lean),
                    .way_x = way * std::sin(lean)};
  // A drawn-out flake covers each place for a part of the exposure only.
  const double density = opacity / std::sqrt(1 + options.fall);
  if (size_px < 2.5) {
    draw_blob(mask, height, width, middle, 0.5 * size_px, rim, density);
    return;
  }
  for (int lobe = 0; lobe < 3; ++lobe) {
    Fall path = middle;
    path.y += 0.16 * size_px * fast_normal(rng);
    path.x += 0.16 * size_px * fast_normal(rng);
    draw_blob(mask, height, width, path, 0.38 * size_px, rim, 0.5 * density);
  }
}

std::vector<float> flakes(int height, int width, const SnowOptions& options, Rng& rng) {
  constexpr int kLayers = 3;
  std::vector<float> mask(static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
  double size = options.size_px;
  double opacity = 0.55 * options.opacity;  // the nearest are out of focus
  double rim = 0.7;
  for (int layer = 0; layer < kLayers; ++layer) {  // near to far
    const double area = (height + 2 * size) * (width + 2 * size);
    const double flake = size * size * (1 + options.fall);
    Rng places = rng.fork("flakes");  // the first of more are the same as of fewer
    const auto count =
        static_cast<std::int64_t>(rng.poisson(options.coverage / kLayers * area / flake));
    std::vector<float> plane(mask.size());
    for (std::int64_t i = 0; i < count; ++i) {
      draw_flake(plane, height, width, size * places.uniform(0.5, 1.5), rim,
                 opacity * places.uniform(0.5, 1.0), options, places);
    }
    for (std::size_t i = 0; i < mask.size(); ++i) {
      mask[i] += (1.0F - mask[i]) * std::min(plane[i], 1.0F);
    }
    size *= 0.5;
    opacity = options.opacity * (layer == 0 ? 1.0 : 0.8);
    rim = 1.0;
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
                 {"size_px", "2.5..14~log"},
                 {"opacity", "0.6..1"},
                 {"fall", "0..0.8|0..2"},
                 {"angle_deg", "-40..40"},
                 {"veil", "0|0..0.35"}},
      .apply = add_snow,
      .severity =
          [](const SnowOptions& o) {
            return std::max(o.coverage * o.opacity / kMostSnowCoverage, o.veil);
          },
      .at_severity =
          [](double s) {
            return SnowOptions{.coverage = s * kMostSnowCoverage, .opacity = 1, .veil = 0.3 * s};
          },
  });
}

}  // namespace chiaro::degrade
