// Drops on the glass before the lens. Each is a small wide-angle lens: it shows the scene upside
// down, reduced and out of focus, darker towards the top; its rim is soft because the camera looks
// past it.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "chiaro/degrade/catalogue.h"
#include "chiaro/degrade/filters.h"
#include "chiaro/degrade/random_fields.h"

namespace chiaro::degrade {
namespace {

constexpr double kMostDropCoverage = 0.4;

struct RaindropOptions {
  double coverage = 0.12;
  double radius_px = 10;
  double opacity = 0.95;
  double softness = 0.25;
  double shrink = 4;
  static Fields<RaindropOptions> fields() {
    return {
        field("coverage", &RaindropOptions::coverage, "area of the drops over that of the picture",
              {.min = 0, .max = 2}),
        field("radius_px", &RaindropOptions::radius_px, "mean radius",
              {.min = 1, .max = 200, .unit = "px"}),
        field("opacity", &RaindropOptions::opacity, "how much of the scene behind a drop hides",
              {.min = 0, .max = 1}),
        field("softness", &RaindropOptions::softness, "width of the rim over the radius",
              {.min = 0.02, .max = 1}),
        field("shrink", &RaindropOptions::shrink, "how many times smaller the scene in a drop is",
              {.min = 1, .max = 20}),
    };
  }
};

struct Drop {
  double y, x, radius, aspect;
  double wobble[3], phase[3];  ///< of the outline, harmonics 2 to 4
};

Drop draw_drop(int height, int width, const RaindropOptions& options, Rng& rng) {
  Drop drop{};
  drop.radius = options.radius_px * std::exp(0.45 * fast_normal(rng));
  drop.y = rng.uniform(-drop.radius, height + drop.radius);
  drop.x = rng.uniform(-drop.radius, width + drop.radius);
  drop.aspect = rng.uniform(1.0, 1.35);  // hanging drops are taller than wide
  for (int k = 0; k < 3; ++k) {
    drop.wobble[k] = 0.06 * fast_normal(rng);
    drop.phase[k] = rng.uniform(0, 2 * std::numbers::pi);
  }
  return drop;
}

int mirrored(double at, int n) {
  if (n == 1) return 0;
  const double period = 2.0 * (n - 1);
  double wrapped = std::fmod(std::abs(at), period);
  if (wrapped > n - 1) wrapped = period - wrapped;
  return static_cast<int>(std::lround(wrapped));
}

/// Paints one drop with what `scene` (the picture, out of focus) shows in it.
void paint(Image& picture, const Image& scene, const Drop& drop, const RaindropOptions& options) {
  const int height = picture.height();
  const int width = picture.width();
  const double reach = 1.6 * drop.radius * drop.aspect + 1;
  const int top = std::max(0, static_cast<int>(drop.y - reach));
  const int bottom = std::min(height - 1, static_cast<int>(drop.y + reach));
  const int left = std::max(0, static_cast<int>(drop.x - reach));
  const int right = std::min(width - 1, static_cast<int>(drop.x + reach));
  for (int y = top; y <= bottom; ++y) {
    for (int x = left; x <= right; ++x) {
      const double dy = (y - drop.y) / (drop.radius * drop.aspect);
      const double dx = (x - drop.x) / drop.radius;
      const double square = dy * dy + dx * dx;
      if (square > 2.5) continue;
      const double distance = std::sqrt(square);
      const double angle = std::atan2(dy, dx);
      double outline = 1;
      for (int k = 0; k < 3; ++k) {
        outline += drop.wobble[k] * std::cos((k + 2) * angle + drop.phase[k]);
      }
      const double inside = std::clamp((outline - distance) / options.softness, 0.0, 1.0);
      if (inside <= 0) continue;
      const double alpha = options.opacity * inside * inside * (3 - 2 * inside);
      // Refraction grows towards the rim: rays there come from far off.
      const double bend = options.shrink * (0.6 + 0.7 * square);
      const int from_y = mirrored(drop.y - bend * (y - drop.y), height);
      const int from_x = mirrored(drop.x - bend * (x - drop.x), width);
      const double shade = 0.9 + 0.25 * dy - 0.12 * square;
      for (int c = 0; c < picture.channels(); ++c) {
        float& value = picture.at(c, y, x);
        const double seen = std::min(1.0, shade * scene.at(c, from_y, from_x) + 0.02);
        value += static_cast<float>(alpha * (seen - value));
      }
    }
  }
}

void add_drops(Image& picture, const RaindropOptions& options, Rng& rng, const Inputs&) {
  const double margin = options.radius_px;
  const double area = (picture.height() + 2 * margin) * (picture.width() + 2 * margin);
  // The mean area of a drop: π r² with the deviation of the radius (exp(2·0.45²)) and the mean
  // aspect.
  const double mean_area = std::numbers::pi * options.radius_px * options.radius_px * 1.5 * 1.17;
  Rng places = rng.fork("drops");  // the first of more are the same as of fewer
  const auto count = static_cast<std::int64_t>(rng.poisson(options.coverage * area / mean_area));
  if (count == 0) return;
  Image scene = picture;
  gaussian_blur_in_place(scene, std::min(0.15 * options.radius_px * options.shrink, 6.0));
  for (std::int64_t i = 0; i < count; ++i) {
    paint(picture, scene, draw_drop(picture.height(), picture.width(), options, places), options);
  }
}

}  // namespace

Entry raindrop() {
  return define<RaindropOptions>({
      .name = "raindrop",
      .summary = "drops on the glass before the lens",
      .reference =
          "R. Qian et al., Attentive GAN for Raindrop Removal, CVPR 2018, arXiv:1711.10098",
      .ranges = {{"coverage", "0.03..0.3~log"},
                 {"radius_px", "3..20~log"},
                 {"opacity", "0.7..1"},
                 {"softness", "0.1..0.6"},
                 {"shrink", "2..6"}},
      .apply = add_drops,
      .severity =
          [](const RaindropOptions& o) { return o.coverage * o.opacity / kMostDropCoverage; },
      .at_severity =
          [](double s) { return RaindropOptions{.coverage = s * kMostDropCoverage, .opacity = 1}; },
  });
}

}  // namespace chiaro::degrade
