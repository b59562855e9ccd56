#include "chiaro/metrics/planes.h"

#include <algorithm>
#include <cmath>

namespace chiaro::metrics {
namespace {

struct Box {
  int y, x, height, width;
};

Box scored_box(int height, int width, const Protocol& protocol) {
  const int multiple = protocol.crop_multiple;
  const int border = protocol.border_px;
  Box box{(height % multiple) / 2, (width % multiple) / 2, height - height % multiple,
          width - width % multiple};
  CHIARO_CHECK(box.height > 2 * border && box.width > 2 * border, Input,
               "[metrics.score] nothing is left after cropping; got {}x{} px with a border of {} "
               "and sides a multiple of {}; expected a larger picture",
               width, height, border, multiple);
  return {box.y + border, box.x + border, box.height - 2 * border, box.width - 2 * border};
}

double to_u8_grid(double value) {
  return std::round(std::clamp(value, 0.0, 1.0) * 255.0) / 255.0;
}

std::vector<Plane> planes_of(const image::Image& picture, const Protocol& protocol,
                             const char* which) {
  for (const float value : picture.pixels()) {
    CHIARO_CHECK(std::isfinite(value), Input,
                 "[metrics.score] the {} picture holds NaN or infinite values; expected finite "
                 "values",
                 which);
  }
  const Box box = scored_box(picture.height(), picture.width(), protocol);
  const bool round_pictures =
      protocol.rounding == Rounding::U8 || protocol.rounding == Rounding::U8Luma;
  std::vector<Plane> planes;
  for (int c = 0; c < picture.channels(); ++c) {
    Plane plane{box.height, box.width, {}};
    plane.samples.reserve(static_cast<std::size_t>(box.height) *
                          static_cast<std::size_t>(box.width));
    for (int y = box.y; y < box.y + box.height; ++y) {
      for (int x = box.x; x < box.x + box.width; ++x) {
        double value = picture.at(c, y, x);
        if (protocol.clip) value = std::clamp(value, 0.0, 1.0);
        if (round_pictures) value = to_u8_grid(value);
        plane.samples.push_back(value);
      }
    }
    planes.push_back(std::move(plane));
  }
  if (protocol.channel == Channel::Rgb) return planes;

  Plane luma = std::move(planes.front());
  if (planes.size() == 3) {
    const auto& green = planes[1].samples;
    const auto& blue = planes[2].samples;
    for (std::size_t i = 0; i < luma.samples.size(); ++i) {
      const double red = luma.samples[i];
      luma.samples[i] = protocol.luma == Luma::Studio
                            ? (16.0 + 65.481 * red + 128.553 * green[i] + 24.966 * blue[i]) / 255.0
                            : 0.299 * red + 0.587 * green[i] + 0.114 * blue[i];
    }
  }
  if (protocol.rounding == Rounding::Luma || protocol.rounding == Rounding::U8Luma) {
    for (double& value : luma.samples) value = to_u8_grid(value);
  }
  planes.clear();
  planes.push_back(std::move(luma));
  return planes;
}

}  // namespace

PlanePair scored_planes(const image::Image& restored, const image::Image& target,
                        const Protocol& protocol) {
  check(protocol);
  CHIARO_CHECK(!restored.empty() && !target.empty(), Input,
               "[metrics.score] a picture is empty; expected two pictures of one size");
  CHIARO_CHECK(restored.channels() == target.channels() && restored.height() == target.height() &&
                   restored.width() == target.width(),
               Input,
               "[metrics.score] the pictures differ in size; got {}x{} with {} channels and {}x{} "
               "with {}; expected the same",
               restored.width(), restored.height(), restored.channels(), target.width(),
               target.height(), target.channels());
  return {planes_of(restored, protocol, "restored"), planes_of(target, protocol, "target")};
}

std::vector<Plane> scored_planes(const image::Image& picture, const Protocol& protocol) {
  check(protocol);
  CHIARO_CHECK(!picture.empty(), Input, "[metrics.score] the picture is empty; expected a picture");
  return planes_of(picture, protocol, "scored");
}

}  // namespace chiaro::metrics
