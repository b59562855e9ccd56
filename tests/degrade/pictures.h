// Hand-made pictures and what is measured on them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

#include "chiaro/degrade/degrade.h"

namespace chiaro::test {

/// Slopes, edges and fine texture in every channel, within [0.05, 0.95].
inline image::Image hand_made(int channels, int height, int width) {
  image::Image picture(channels, height, width);
  for (int c = 0; c < channels; ++c) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const double slope = 0.35 * (x + 1.0) / width + 0.25 * (y + 1.0) / height;
        const double texture = 0.1 * std::sin(1.3 * x + 0.7 * y + c) + 0.1 * ((x / 8 + y / 8) % 2);
        picture.at(c, y, x) = static_cast<float>(0.15 + slope + texture);
      }
    }
  }
  return picture;
}

inline double mean_of(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

inline double deviation_of(std::span<const float> values) {
  const double mean = mean_of(values);
  double squares = 0;
  for (const float v : values) squares += (v - mean) * (v - mean);
  return std::sqrt(squares / static_cast<double>(values.size()));
}

inline double mse(const image::Image& a, const image::Image& b) {
  double squares = 0;
  for (std::size_t i = 0; i < a.pixels().size(); ++i) {
    const double difference = static_cast<double>(a.pixels()[i]) - b.pixels()[i];
    squares += difference * difference;
  }
  return squares / static_cast<double>(a.pixels().size());
}

/// Applies a chain given as text.
inline image::Image degraded(const image::Image& clean, const char* spec, std::uint64_t seed = 1,
                             const degrade::Inputs& inputs = {}) {
  Rng rng(seed);
  return degrade::apply(clean, degrade::parse_spec(spec), rng, inputs);
}

inline bool same_pixels(const image::Image& a, const image::Image& b) {
  return a.channels() == b.channels() && a.height() == b.height() && a.width() == b.width() &&
         std::equal(a.pixels().begin(), a.pixels().end(), b.pixels().begin());
}

}  // namespace chiaro::test
