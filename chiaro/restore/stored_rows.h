// Rows of a picture as a file stores them. Internal to the room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "chiaro/image/image.h"

namespace chiaro::restore {

/// Rows of a picture that follow each other, of which those behind are forgotten and new ones come.
/// With 8 or 16 bits they take a quarter or half of what floats take; values are then limited to
/// [0,1] and rounded as image::write does, so that those which come from such a file, or go to one,
/// are kept as they are.
class StoredRows {
 public:
  /// Takes the memory of `most` rows, which are never exceeded.
  StoredRows(image::SampleType type, int channels, int width, int most);

  /// Bytes of one row.
  static std::int64_t row_bytes(image::SampleType type, int channels, int width);

  int begin() const { return begin_; }  ///< the first row that is kept
  int end() const { return end_; }      ///< behind the last

  /// Forgets what lies above `begin`, and all if that lies behind the end: new rows then begin
  /// there.
  void move_to(int begin);

  /// The next rows of the picture.
  void add(const image::Image& strip);

  /// Rows from y and columns from x on, as many as `window` has, into it.
  void copy_to(image::Image& window, int y, int x) const;

  /// Room for `rows` more rows, which write fills.
  void extend(int rows);

  /// A part of row y, from column x on.
  void read(int channel, int y, int x, std::span<float> values) const;
  void write(int channel, int y, int x, std::span<const float> values);

 private:
  void expect_place(int y, int x, std::size_t count) const;
  std::byte* at(int channel, int y, int x);
  const std::byte* at(int channel, int y, int x) const;

  image::SampleType type_;
  int channels_;
  int width_;
  std::size_t sample_bytes_;
  std::size_t row_bytes_;
  int begin_ = 0;
  int end_ = 0;
  std::vector<std::byte> bytes_;  // (rows, channels, width)
};

}  // namespace chiaro::restore
