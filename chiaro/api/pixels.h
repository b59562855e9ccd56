// Between pixels in a caller's memory and `Image`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "chiaro/api/chiaro.h"
#include "chiaro/image/image.h"

namespace chiaro::api {

/// A chiaro_picture that was looked at: where its samples lie.
struct Pixels {
  std::byte* data = nullptr;
  int width = 0;
  int height = 0;
  int colours = 3;  ///< 1 or 3
  bool alpha = false;
  bool reversed = false;  ///< blue first
  image::SampleType sample = image::SampleType::U8;
  std::ptrdiff_t row_bytes = 0;
  std::ptrdiff_t pixel_bytes = 0;
  std::ptrdiff_t plane_bytes = 0;

  /// The first sample of a row of a channel: 0 … colours - 1 in the order red, green, blue, then
  /// alpha.
  std::byte* row(int channel, int y) const;
};

/// `role` ("source", "target") is for messages. Errors: Usage (NULL, sizes, layout, sample type,
/// strides with which samples overlap).
Pixels looked_at(const chiaro_picture* picture, std::string_view role);

/// The values as floats: / 255, / 65535, or as they are. Errors: none but memory.
image::Image as_image(const Pixels& source);

/// What as_image takes.
constexpr std::int64_t float_bytes(int height, int width, int channels) {
  return std::int64_t{height} * width * channels * std::int64_t{sizeof(float)};
}

/// Writes a picture of the same sides and colours; limited to [0,1] and rounded, floats as they
/// are. Where the picture has no alpha, the target's becomes opaque.
void write_pixels(const image::Image& picture, const Pixels& target);

}  // namespace chiaro::api
