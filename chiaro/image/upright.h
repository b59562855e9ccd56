// Rows of a turned or mirrored picture to their upright places. Internal to the room.
#pragma once

#include <cstddef>
#include <span>

namespace chiaro::image {

/// Whether an EXIF orientation (1–8) exchanges width and height.
constexpr bool transposes(int orientation) {
  return orientation >= 5 && orientation <= 8;
}

class UprightRows {
 public:
  /// orientation: EXIF 1–8, anything else counts as 1. width, height: as stored.
  UprightRows(int orientation, int width, int height);

  int width() const { return transposed_ ? stored_height_ : stored_width_; }   ///< upright
  int height() const { return transposed_ ? stored_width_ : stored_height_; }  ///< upright

  /// Puts `count` stored rows from row `y` on into the upright plane. Row k starts at rows + k *
  /// stride.
  void place(const float* rows, std::size_t stride, int y, int count, std::span<float> plane) const;

 private:
  int stored_width_;
  int stored_height_;
  bool transposed_;
  std::ptrdiff_t origin_ = 0;  // where stored (0, 0) goes
  std::ptrdiff_t right_ = 0;   // how far one stored column moves
  std::ptrdiff_t down_ = 0;    // how far one stored row moves
};

}  // namespace chiaro::image
