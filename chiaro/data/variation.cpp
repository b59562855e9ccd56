#include "chiaro/data/variation.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>
#include <vector>

#include "chiaro/degrade/random_fields.h"
#include "chiaro/degrade/resample.h"

namespace chiaro::data {
namespace {

/// The value below which `share` of the values lie.
float quantile(std::vector<float> values, double share) {
  const auto place =
      values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::ranges::nth_element(values, place);
  return *place;
}

}  // namespace

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

void put_before_backdrop(image::Image& picture, Rng& rng) {
  const int height = picture.height();
  const int width = picture.width();
  const auto shape = degrade::smooth_field(height, width, rng.uniform(1, 2.5), 3, rng);
  const float outline = quantile(shape, rng.uniform(0.5, 0.9));
  const double softness = rng.log_uniform(0.004, 0.05);
  const auto structure = degrade::smooth_field(height, width, 2, 2, rng);
  const double uneven = rng.uniform(0, 0.08);
  const double angle = rng.uniform(0, 2 * std::numbers::pi);
  const double slope = rng.uniform(0, 0.35);
  const double brightness = rng.uniform(0.25, 0.95);
  std::array<double, 3> colour{};
  for (double& value : colour) value = brightness + rng.normal() * 0.04;
  const double grain = rng.uniform(0, 1.0 / 255);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const std::size_t i = static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                            static_cast<std::size_t>(x);
      const double along = std::cos(angle) * (double{1} * x / width - 0.5) +
                           std::sin(angle) * (double{1} * y / height - 0.5);
      const double light = slope * along + uneven * (double{structure[i]} - 0.5);
      const double front = std::clamp((double{shape[i]} - outline) / softness, 0.0, 1.0);
      for (int c = 0; c < 3; ++c) {
        const double wall =
            colour[static_cast<std::size_t>(c)] + light + grain * double{degrade::fast_normal(rng)};
        float& value = picture.plane(c)[i];
        value = static_cast<float>(std::clamp(wall + front * (double{value} - wall), 0.0, 1.0));
      }
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

image::Image resized(const image::Image& picture, int height, int width) {
  image::Image result(picture.channels(), height, width);
  for (int c = 0; c < picture.channels(); ++c) {
    const auto plane =
        degrade::resize_cubic(picture.plane(c), picture.height(), picture.width(), height, width);
    std::ranges::transform(plane, result.plane(c).begin(),
                           [](float value) { return std::clamp(value, 0.0F, 1.0F); });
  }
  return result;
}

image::Image damaged_at_other_size(image::Image& clean, double factor,
                                   const std::function<image::Image(const image::Image&)>& damage) {
  const int side = clean.height();
  const int at = std::max(1, static_cast<int>(std::lround(side * factor)));
  const image::Image other = resized(clean, at, at);
  clean = resized(other, side, side);  // what the way there and back takes is no damage
  return resized(damage(other), side, side);
}

}  // namespace chiaro::data
