// Lost resolution: reduced by a factor and enlarged again to the old size.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "chiaro/degrade/catalogue.h"
#include "chiaro/degrade/resample.h"

namespace chiaro::degrade {
namespace {

constexpr double kLargestFactor = 8;

struct DownscaleOptions {
  double factor = 2;
  std::string down = "cubic";
  std::string up = "cubic";
  static Fields<DownscaleOptions> fields() {
    return {
        field("factor", &DownscaleOptions::factor, "how many times smaller each side becomes",
              {.min = 1, .max = 64}),
        field("down", &DownscaleOptions::down, "how it is reduced", {.choices = {"cubic", "area"}}),
        field("up", &DownscaleOptions::up, "how it is enlarged again",
              {.choices = {"cubic", "nearest"}}),
    };
  }
};

std::vector<float> enlarge_nearest(std::span<const float> plane, int height, int width,
                                   int to_height, int to_width) {
  std::vector<float> result;
  result.reserve(static_cast<std::size_t>(to_height) * static_cast<std::size_t>(to_width));
  for (int y = 0; y < to_height; ++y) {
    const auto row = static_cast<std::size_t>(std::int64_t{y} * height / to_height) *
                     static_cast<std::size_t>(width);
    for (int x = 0; x < to_width; ++x) {
      result.push_back(plane[row + static_cast<std::size_t>(std::int64_t{x} * width / to_width)]);
    }
  }
  return result;
}

void lose_resolution(Image& picture, const DownscaleOptions& options, Rng&, const Inputs&) {
  const int height = picture.height();
  const int width = picture.width();
  const int low_height = std::max(1, static_cast<int>(std::lround(height / options.factor)));
  const int low_width = std::max(1, static_cast<int>(std::lround(width / options.factor)));
  if (low_height == height && low_width == width) return;
  const Image by_area =
      options.down == "area" ? image::reduce_area(picture, low_height, low_width) : Image();
  for (int c = 0; c < picture.channels(); ++c) {
    auto plane = picture.plane(c);
    std::vector<float> low;
    if (options.down == "area") {
      low.assign(by_area.plane(c).begin(), by_area.plane(c).end());
    } else {
      low = resize_cubic(plane, height, width, low_height, low_width);
    }
    const auto back = options.up == "cubic"
                          ? resize_cubic(low, low_height, low_width, height, width)
                          : enlarge_nearest(low, low_height, low_width, height, width);
    std::ranges::copy(back, plane.begin());
  }
}

}  // namespace

Entry downscale() {
  return define<DownscaleOptions>({
      .name = "downscale",
      .summary = "reduced and enlarged again",
      .reference = "R. Keys, Cubic convolution interpolation for digital image processing, "
                   "IEEE TASSP 1981",
      .ranges = {{"factor", "1.5..4~log"}, {"down", "cubic|area"}, {"up", "cubic|cubic|nearest"}},
      .random = false,
      .apply = lose_resolution,
      .severity =
          [](const DownscaleOptions& o) { return std::log(o.factor) / std::log(kLargestFactor); },
      .at_severity =
          [](double s) { return DownscaleOptions{.factor = std::pow(kLargestFactor, s)}; },
  });
}

}  // namespace chiaro::degrade
