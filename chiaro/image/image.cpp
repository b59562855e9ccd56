#include "chiaro/image/image.h"

#include <algorithm>
#include <cmath>

#include "chiaro/base/error.h"
#include "chiaro/image/indices.h"
#include "chiaro/image/plane_reduction.h"

namespace chiaro::image {
namespace {

/// Applies `transform(source plane, target plane)` to each channel and to alpha.
template <typename Transform>
Image transform_planes(const Image& source, int height, int width, const Transform& transform) {
  Image result(source.channels(), height, width);
  for (int c = 0; c < source.channels(); ++c) transform(source.plane(c), result.plane(c));
  if (!source.alpha.empty()) {
    result.alpha.resize(result.plane_size());
    transform(std::span<const float>(source.alpha), std::span<float>(result.alpha));
  }
  result.sample_type = source.sample_type;
  result.metadata = source.metadata;
  return result;
}

}  // namespace

Image::Image(int channels, int height, int width, float value)
    : channels_(channels), height_(height), width_(width) {
  CHIARO_CHECK(
      (channels == 1 || channels == 3) && height > 0 && width > 0, Usage,
      "[image.Image] impossible shape; got {}x{}x{}; expected 1 or 3 channels and positive sides",
      channels, height, width);
  pixels_.assign(as_size(channels) * as_size(height) * as_size(width), value);
}

std::span<float> Image::plane(int channel) {
  return std::span<float>(pixels_).subspan(as_size(channel) * plane_size(), plane_size());
}

std::span<const float> Image::plane(int channel) const {
  return std::span<const float>(pixels_).subspan(as_size(channel) * plane_size(), plane_size());
}

Image crop(const Image& source, int y, int x, int height, int width) {
  CHIARO_CHECK(
      y >= 0 && x >= 0 && height > 0 && width > 0 && y <= source.height() - height &&
          x <= source.width() - width,
      Usage,
      "[image.crop] rectangle leaves the picture; got x {}, y {}, {} wide, {} high; expected it "
      "within {} x {}",
      x, y, width, height, source.width(), source.height());
  return transform_planes(
      source, height, width, [&](std::span<const float> from, std::span<float> to) {
        for (int row = 0; row < height; ++row) {
          std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(
                                         as_size(y + row) * as_size(source.width()) + as_size(x)),
                      width,
                      to.begin() + static_cast<std::ptrdiff_t>(as_size(row) * as_size(width)));
        }
      });
}

Image pad_reflect(const Image& source, int top, int bottom, int left, int right) {
  const int height = source.height() + top + bottom;
  const int width = source.width() + left + right;
  std::vector<int> columns(as_size(width));
  for (int x = 0; x < width; ++x) columns[as_size(x)] = mirrored(x - left, source.width());
  return transform_planes(
      source, height, width, [&](std::span<const float> from, std::span<float> to) {
        for (int y = 0; y < height; ++y) {
          const float* row =
              from.data() + as_size(mirrored(y - top, source.height())) * as_size(source.width());
          float* out = to.data() + as_size(y) * as_size(width);
          for (int x = 0; x < width; ++x) out[x] = row[columns[as_size(x)]];
        }
      });
}

Image dihedral(const Image& source, int symmetry) {
  const bool transpose = (symmetry & 4) != 0;
  const int height = transpose ? source.width() : source.height();
  const int width = transpose ? source.height() : source.width();
  return transform_planes(
      source, height, width, [&](std::span<const float> from, std::span<float> to) {
        for (int y = 0; y < height; ++y) {
          for (int x = 0; x < width; ++x) {
            int source_y = transpose ? x : y;
            int source_x = transpose ? y : x;
            if ((symmetry & 2) != 0) source_y = source.height() - 1 - source_y;
            if ((symmetry & 1) != 0) source_x = source.width() - 1 - source_x;
            to[as_size(y) * as_size(width) + as_size(x)] =
                from[as_size(source_y) * as_size(source.width()) + as_size(source_x)];
          }
        }
      });
}

Image to_rgb(const Image& source) {
  if (source.channels() == 3) return source;
  Image result(3, source.height(), source.width());
  for (int c = 0; c < 3; ++c) std::ranges::copy(source.plane(0), result.plane(c).begin());
  result.alpha = source.alpha;
  result.sample_type = source.sample_type;
  result.metadata = source.metadata;
  return result;
}

Image to_grey(const Image& source) {
  if (source.channels() == 1) return source;
  Image result(1, source.height(), source.width());
  const auto r = source.plane(0);
  const auto g = source.plane(1);
  const auto b = source.plane(2);
  auto out = result.plane(0);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = 0.299F * r[i] + 0.587F * g[i] + 0.114F * b[i];
  result.alpha = source.alpha;
  result.sample_type = source.sample_type;
  result.metadata = source.metadata;
  return result;
}

std::size_t sanitize(Image& picture) {
  std::size_t broken = 0;
  for (float& value : picture.pixels()) {
    if (!std::isfinite(value)) {
      ++broken;
      value = value > 0 ? 1.0F : 0.0F;  // NaN compares false and becomes 0
    }
    value = std::clamp(value, 0.0F, 1.0F);
  }
  return broken;
}

void quantize_u8(Image& picture) {
  for (float& value : picture.pixels())
    value = std::round(std::clamp(value, 0.0F, 1.0F) * 255.0F) / 255.0F;
}

Image reduce_area(const Image& source, int height, int width) {
  const PlaneReduction reduction(source.height(), source.width(), height, width);
  return transform_planes(source, height, width,
                          [&](std::span<const float> from, std::span<float> to) {
                            PlaneReduction plane = reduction;
                            for (int y = 0; y < source.height(); ++y)
                              plane.add(from.data() + as_size(y) * as_size(source.width()), to);
                          });
}

}  // namespace chiaro::image
