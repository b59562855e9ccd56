#include "chiaro/data/variation.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace chiaro::data {

void vary_tones(image::Image& picture, double mist, Rng& rng) {
  const double gamma = rng.log_uniform(0.6, 2.0);
  const double low = rng.chance(0.5) ? rng.uniform(0, mist) : 0;
  const double high = rng.uniform(std::max(0.35, low + 0.2), 1);
  const auto saturation = static_cast<float>(rng.uniform(0.2, 1.2));
  const std::size_t pixels = picture.plane(0).size();
  for (std::size_t i = 0; i < pixels; ++i) {
    const float grey =
        0.299F * picture.plane(0)[i] + 0.587F * picture.plane(1)[i] + 0.114F * picture.plane(2)[i];
    for (int c = 0; c < 3; ++c) {
      const float value = std::clamp(grey + saturation * (picture.plane(c)[i] - grey), 0.0F, 1.0F);
      picture.plane(c)[i] =
          static_cast<float>(low + (high - low) * std::pow(static_cast<double>(value), gamma));
    }
  }
}

ColourMatrix draw_colours(Rng& rng) {
  std::array<std::size_t, 3> order{0, 1, 2};
  for (std::size_t i = 2; i > 0; --i)
    std::swap(order[i], order[static_cast<std::size_t>(rng.integer(0, static_cast<long>(i)))]);
  const auto saturation = static_cast<float>(rng.uniform(0.3, 1.2));
  ColourMatrix matrix;
  for (std::size_t c = 0; c < 3; ++c) {
    matrix[c].fill((1 - saturation) / 3);
    matrix[c][order[c]] += saturation;
  }
  return matrix;
}

void recolour(image::Image& picture, const ColourMatrix& matrix) {
  const std::size_t pixels = picture.plane(0).size();
  for (std::size_t i = 0; i < pixels; ++i) {
    const std::array<float, 3> old{picture.plane(0)[i], picture.plane(1)[i], picture.plane(2)[i]};
    for (std::size_t c = 0; c < 3; ++c) {
      const float value = matrix[c][0] * old[0] + matrix[c][1] * old[1] + matrix[c][2] * old[2];
      picture.plane(static_cast<int>(c))[i] = std::clamp(value, 0.0F, 1.0F);
    }
  }
}

void scale_damage(image::Image& damaged, const image::Image& clean, double strength) {
  const auto factor = static_cast<float>(strength);
  for (int c = 0; c < damaged.channels(); ++c) {
    std::ranges::transform(clean.plane(c), damaged.plane(c), damaged.plane(c).begin(),
                           [factor](float without, float with) {
                             return std::clamp(without + factor * (with - without), 0.0F, 1.0F);
                           });
  }
}

}  // namespace chiaro::data
