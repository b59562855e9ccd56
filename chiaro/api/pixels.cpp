#include "chiaro/api/pixels.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <span>
#include <vector>

#include "chiaro/base/error.h"

namespace chiaro::api {
namespace {

constexpr std::int64_t kMaxPixels = 2'000'000'000;
constexpr std::ptrdiff_t kMostBytes = std::numeric_limits<std::ptrdiff_t>::max() / 4;
// Times the sides of any picture still a number.
constexpr std::ptrdiff_t kMostStride = std::ptrdiff_t{1} << 31;

std::ptrdiff_t bytes_of(image::SampleType sample) {
  return sample == image::SampleType::U8 ? 1 : sample == image::SampleType::U16 ? 2 : 4;
}

float white_of(image::SampleType sample) {
  return sample == image::SampleType::U8    ? 255.0F
         : sample == image::SampleType::U16 ? 65535.0F
                                            : 1.0F;
}

struct Axis {
  const char* name;
  std::int64_t count;
  std::ptrdiff_t stride;
};

/// From the finest axis outward each stride must pass over all that lies within it.
void check_strides(const Pixels& pixels, std::string_view role) {
  std::array<Axis, 3> axes{
      {{"plane_bytes", pixels.colours + (pixels.alpha ? 1 : 0), pixels.plane_bytes},
       {"pixel_bytes", pixels.width, pixels.pixel_bytes},
       {"row_bytes", pixels.height, pixels.row_bytes}}};
  const auto length = [](const Axis& axis) { return std::abs(axis.stride); };
  std::stable_sort(axes.begin(), axes.end(),
                   [&](const Axis& a, const Axis& b) { return length(a) < length(b); });
  std::ptrdiff_t extent = bytes_of(pixels.sample);
  for (const Axis& axis : axes) {
    if (axis.count == 1) continue;
    CHIARO_CHECK(length(axis) >= extent, Usage,
                 "[api.picture] samples of the {} overlap; got {} = {}; expected at least {}, or 0",
                 role, axis.name, axis.stride, extent);
    CHIARO_CHECK(length(axis) <= (kMostBytes - extent) / axis.count, Usage,
                 "[api.picture] the {} is larger than memory can be; got {} = {}", role, axis.name,
                 axis.stride);
    extent += (axis.count - 1) * length(axis);
  }
}

template <typename Sample>
void read_row(const std::byte* from, std::ptrdiff_t step, std::span<float> to, float white) {
  for (float& value : to) {
    Sample sample;
    std::memcpy(&sample, from, sizeof(sample));
    value = static_cast<float>(sample) / white;
    from += step;
  }
}

template <typename Sample>
void write_row(std::span<const float> from, std::byte* to, std::ptrdiff_t step, float white) {
  for (const float value : from) {
    // Written so that NaN becomes 0, and rounded as picture files are.
    const auto sample =
        static_cast<Sample>(value > 0.0F ? std::min(value, 1.0F) * white + 0.5F : 0.0F);
    std::memcpy(to, &sample, sizeof(sample));
    to += step;
  }
}

void write_floats(std::span<const float> from, std::byte* to, std::ptrdiff_t step) {
  for (const float value : from) {
    std::memcpy(to, &value, sizeof(value));
    to += step;
  }
}

std::span<float> row_of(std::span<float> plane, int y, int width) {
  return plane.subspan(static_cast<std::size_t>(y) * static_cast<std::size_t>(width),
                       static_cast<std::size_t>(width));
}

void read_plane(const Pixels& source, int channel, std::span<float> plane) {
  const float white = white_of(source.sample);
  for (int y = 0; y < source.height; ++y) {
    const std::byte* from = source.row(channel, y);
    const auto to = row_of(plane, y, source.width);
    switch (source.sample) {
      case image::SampleType::U8:
        read_row<std::uint8_t>(from, source.pixel_bytes, to, white);
        break;
      case image::SampleType::U16:
        read_row<std::uint16_t>(from, source.pixel_bytes, to, white);
        break;
      case image::SampleType::F32:
        read_row<float>(from, source.pixel_bytes, to, white);
        break;
    }
  }
}

void write_line(std::span<const float> from, const Pixels& target, int channel, int y) {
  std::byte* to = target.row(channel, y);
  const float white = white_of(target.sample);
  switch (target.sample) {
    case image::SampleType::U8:
      return write_row<std::uint8_t>(from, to, target.pixel_bytes, white);
    case image::SampleType::U16:
      return write_row<std::uint16_t>(from, to, target.pixel_bytes, white);
    case image::SampleType::F32:
      return write_floats(from, to, target.pixel_bytes);
  }
}

void set_layout(Pixels& pixels, int layout, std::string_view role) {
  CHIARO_CHECK(layout >= CHIARO_GREY && layout <= CHIARO_BGRA, Usage,
               "[api.picture] unknown layout of the {}; got {}; expected {} to {}", role, layout,
               static_cast<int>(CHIARO_GREY), static_cast<int>(CHIARO_BGRA));
  pixels.colours = layout == CHIARO_GREY || layout == CHIARO_GREY_ALPHA ? 1 : 3;
  pixels.alpha = layout == CHIARO_GREY_ALPHA || layout == CHIARO_RGBA || layout == CHIARO_BGRA;
  pixels.reversed = layout == CHIARO_BGR || layout == CHIARO_BGRA;
}

void set_sample(Pixels& pixels, int sample, std::string_view role) {
  CHIARO_CHECK(sample >= CHIARO_U8 && sample <= CHIARO_F32, Usage,
               "[api.picture] unknown samples of the {}; got {}; expected {} to {}", role, sample,
               static_cast<int>(CHIARO_U8), static_cast<int>(CHIARO_F32));
  pixels.sample = sample == CHIARO_U8    ? image::SampleType::U8
                  : sample == CHIARO_U16 ? image::SampleType::U16
                                         : image::SampleType::F32;
}

}  // namespace

std::byte* Pixels::row(int channel, int y) const {
  const int place = reversed && channel < colours ? colours - 1 - channel : channel;
  return data + place * plane_bytes + y * row_bytes;
}

Pixels looked_at(const chiaro_picture* picture, std::string_view role) {
  CHIARO_CHECK(picture != nullptr, Usage, "[api.picture] the {} is NULL", role);
  CHIARO_CHECK(picture->data != nullptr, Usage, "[api.picture] the data of the {} are NULL", role);
  CHIARO_CHECK(picture->width > 0 && picture->height > 0 &&
                   std::int64_t{picture->width} * picture->height <= kMaxPixels,
               Usage,
               "[api.picture] impossible size of the {}; got {} x {}; expected 1 to {} pixels",
               role, picture->width, picture->height, kMaxPixels);
  for (const std::ptrdiff_t stride :
       {picture->row_bytes, picture->pixel_bytes, picture->plane_bytes}) {
    CHIARO_CHECK(stride >= -kMostStride && stride <= kMostStride, Usage,
                 "[api.picture] impossible distance in the {}; got {} bytes", role, stride);
  }
  Pixels pixels;
  pixels.data = static_cast<std::byte*>(picture->data);
  pixels.width = picture->width;
  pixels.height = picture->height;
  set_layout(pixels, picture->layout, role);
  set_sample(pixels, picture->sample, role);
  const std::ptrdiff_t bytes = bytes_of(pixels.sample);
  const bool planar = picture->plane_bytes != 0;
  const int channels = pixels.colours + (pixels.alpha ? 1 : 0);
  pixels.plane_bytes = planar ? picture->plane_bytes : bytes;
  pixels.pixel_bytes =
      picture->pixel_bytes != 0 ? picture->pixel_bytes : bytes * (planar ? 1 : channels);
  pixels.row_bytes = picture->row_bytes;
  if (pixels.row_bytes == 0) pixels.row_bytes = std::abs(pixels.pixel_bytes) * pixels.width;
  check_strides(pixels, role);
  return pixels;
}

image::Image as_image(const Pixels& source) {
  image::Image picture(source.colours, source.height, source.width);
  picture.sample_type = source.sample;
  for (int channel = 0; channel < source.colours; ++channel) {
    read_plane(source, channel, picture.plane(channel));
  }
  if (source.alpha) {
    picture.alpha.resize(picture.plane_size());
    read_plane(source, source.colours, picture.alpha);
  }
  return picture;
}

void write_pixels(const image::Image& picture, const Pixels& target) {
  const auto width = static_cast<std::size_t>(target.width);
  const std::vector<float> opaque(target.alpha && picture.alpha.empty() ? width : 0, 1.0F);
  for (int y = 0; y < target.height; ++y) {
    const std::size_t first = static_cast<std::size_t>(y) * width;
    for (int channel = 0; channel < target.colours; ++channel) {
      write_line(picture.plane(channel).subspan(first, width), target, channel, y);
    }
    if (!target.alpha) continue;
    const std::span<const float> alpha =
        picture.alpha.empty() ? std::span<const float>(opaque)
                              : std::span<const float>(picture.alpha).subspan(first, width);
    write_line(alpha, target, target.colours, y);
  }
}

}  // namespace chiaro::api
