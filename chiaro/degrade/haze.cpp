// Haze by the scattering model x = y·t + A(1 − t), t = exp(−β·d) (Koschmieder), with the distance d
// in [0,1] from a depth map or, where there is none, from a procedural landscape whose edges follow
// those of the picture.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "chiaro/degrade/catalogue.h"
#include "chiaro/degrade/filters.h"
#include "chiaro/degrade/random_fields.h"

namespace chiaro::degrade {
namespace {

constexpr double kThickest = 3;

struct HazeOptions {
  double beta = 1.2;
  double airlight = 0.9;
  double tint = 0;
  double near = 0.15;
  double ramp = 0.6;
  static Fields<HazeOptions> fields() {
    return {
        field("beta", &HazeOptions::beta, "scattering: t = exp(-beta*d)", {.min = 0, .max = 20}),
        field("airlight", &HazeOptions::airlight, "brightness of the air", {.min = 0, .max = 1}),
        field("tint", &HazeOptions::tint, "most that a channel of the air may differ from it",
              {.min = 0, .max = 0.5}),
        field("near", &HazeOptions::near,
              "distance of the nearest thing in the procedural landscape", {.min = 0, .max = 1}),
        field("ramp", &HazeOptions::ramp,
              "procedural landscape: share of a slope that rises to the far top, the rest is hills",
              {.min = 0, .max = 1}),
    };
  }
};

/// Makes edges of `field` follow those of `guide`: the guided filter of K. He et al. (ECCV 2010),
/// grey guide.
void guided_filter(std::vector<float>& field, const std::vector<float>& guide, int height,
                   int width, int radius, float epsilon) {
  std::vector<float> mean_guide = guide;
  std::vector<float> mean_field = field;
  std::vector<float> squares(guide.size());
  std::vector<float> products(guide.size());
  for (std::size_t i = 0; i < guide.size(); ++i) {
    squares[i] = guide[i] * guide[i];
    products[i] = guide[i] * field[i];
  }
  for (auto* plane : {&mean_guide, &mean_field, &squares, &products}) {
    box_mean(*plane, height, width, radius);
  }
  for (std::size_t i = 0; i < guide.size(); ++i) {
    const float variance = squares[i] - mean_guide[i] * mean_guide[i];
    const float covariance = products[i] - mean_guide[i] * mean_field[i];
    const float slope = covariance / (variance + epsilon);
    products[i] = slope;
    squares[i] = mean_field[i] - slope * mean_guide[i];
  }
  box_mean(products, height, width, radius);
  box_mean(squares, height, width, radius);
  for (std::size_t i = 0; i < field.size(); ++i) field[i] = products[i] * guide[i] + squares[i];
}

/// Distances in [near, 1]: a slope rising towards the top (the far end of a landscape) and random
/// hills.
std::vector<float> landscape(const Image& picture, const HazeOptions& options, Rng& rng) {
  const int height = picture.height();
  const int width = picture.width();
  auto distance = smooth_field(height, width, rng.uniform(1.5, 5), 3, rng);
  const double angle = rng.uniform(-0.6, 0.6);  // of the slope, from straight up
  const double up_y = -std::cos(angle);
  const double up_x = std::sin(angle);
  const double reach = 0.5 * (std::abs(up_y) * height + std::abs(up_x) * width);
  const auto ramp = static_cast<float>(options.ramp);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double t = (up_y * (y - 0.5 * (height - 1)) + up_x * (x - 0.5 * (width - 1))) / reach;
      float& d = distance[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                          static_cast<std::size_t>(x)];
      d = ramp * static_cast<float>(0.5 + 0.5 * t) + (1.0F - ramp) * d;
    }
  }
  const Image grey = image::to_grey(picture);
  const auto luma = grey.plane(0);
  guided_filter(distance, std::vector<float>(luma.begin(), luma.end()), height, width,
                std::max(1, std::max(height, width) / 16), 1e-3F);
  const auto [low, high] = std::ranges::minmax(distance);
  const auto near = static_cast<float>(options.near);
  for (float& d : distance) {
    d = high > low ? near + (1.0F - near) * (d - low) / (high - low) : 0.5F * (near + 1.0F);
  }
  return distance;
}

void add_haze(Image& picture, const HazeOptions& options, Rng& rng, const Inputs& inputs) {
  std::vector<float> transmission;
  if (inputs.depth != nullptr) {
    const auto depth = inputs.depth->plane(0);
    transmission.assign(depth.begin(), depth.end());
  } else {
    transmission = landscape(picture, options, rng);
  }
  for (float& t : transmission) t = std::exp(static_cast<float>(-options.beta) * t);
  for (int c = 0; c < picture.channels(); ++c) {
    const double shift = options.tint > 0 ? rng.uniform(-options.tint, options.tint) : 0;
    const auto air = static_cast<float>(std::clamp(options.airlight + shift, 0.0, 1.0));
    auto plane = picture.plane(c);
    for (std::size_t i = 0; i < plane.size(); ++i)
      plane[i] = air + transmission[i] * (plane[i] - air);
  }
}

}  // namespace

Entry haze() {
  return define<HazeOptions>({
      .name = "haze",
      .summary = "fog by the scattering model with depth",
      .reference = "S. Narasimhan and S. Nayar, Vision and the atmosphere, IJCV 2002; "
                   "B. Li et al., RESIDE, IEEE TIP 2019, arXiv:1712.04143",
      .ranges = {{"beta", "0.5..2.2"},
                 {"airlight", "0.7..1|0.85..1"},
                 {"tint", "0|0..0.03"},
                 {"near", "0.05..0.4"},
                 {"ramp", "0.2..1"}},
      .apply = add_haze,
      .severity = [](const HazeOptions& o) { return o.beta / kThickest; },
      .at_severity = [](double s) { return HazeOptions{.beta = s * kThickest}; },
  });
}

}  // namespace chiaro::degrade
