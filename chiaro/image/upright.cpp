#include "chiaro/image/upright.h"

#include <algorithm>

namespace chiaro::image {

UprightRows::UprightRows(int orientation, int width, int height)
    : stored_width_(width), stored_height_(height), transposed_(transposes(orientation)) {
  const std::ptrdiff_t last_x = this->width() - 1;
  const std::ptrdiff_t last_y = this->height() - 1;
  const std::ptrdiff_t line = this->width();
  // EXIF 2.32, tag 0x0112: which corner of the upright picture the stored first row and column are
  // at.
  const bool from_right =
      orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  const bool from_bottom =
      orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  origin_ = (from_bottom ? last_y * line : 0) + (from_right ? last_x : 0);
  const std::ptrdiff_t along_x = from_right ? -1 : 1;
  const std::ptrdiff_t along_y = from_bottom ? -line : line;
  right_ = transposed_ ? along_y : along_x;
  down_ = transposed_ ? along_x : along_y;
}

void UprightRows::place(const float* rows, std::size_t stride, int y, int count,
                        std::span<float> plane) const {
  float* start = plane.data() + origin_ + y * down_;
  if (!transposed_) {
    for (int row = 0; row < count; ++row) {
      const float* in = rows + static_cast<std::size_t>(row) * stride;
      float* out = start + row * down_;
      if (right_ == 1) {
        std::copy_n(in, stored_width_, out);
      } else {
        for (int x = 0; x < stored_width_; ++x) *out-- = in[x];
      }
    }
    return;
  }
  for (int x = 0; x < stored_width_; ++x) {
    float* out = start + x * right_;
    for (int row = 0; row < count; ++row)
      out[row * down_] = rows[static_cast<std::size_t>(row) * stride + static_cast<std::size_t>(x)];
  }
}

}  // namespace chiaro::image
