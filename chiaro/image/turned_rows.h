// The rows of a turned or mirrored picture, upright, without a copy of it in memory. Internal to
// the room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "chiaro/image/row_decoder.h"
#include "chiaro/image/strips.h"

namespace chiaro::image {

/// Files give their rows from the top; one that is stored turned, or bottom up, is decoded once
/// into a temporary file without a name (in TMPDIR, else /tmp), in squares, from which rows are
/// taken in any order. A picture that is only mirrored left to right needs none.
class TurnedRows {
 public:
  /// `rows`, of which nothing was decoded, must outlive it. Notes::Said: says of a file that will
  /// be needed how large it is.
  TurnedRows(const RowDecoder& rows, std::string name, Notes notes);
  ~TurnedRows();
  TurnedRows(const TurnedRows&) = delete;
  TurnedRows& operator=(const TurnedRows&) = delete;

  int width() const { return width_; }  ///< upright
  int height() const { return height_; }

  /// As RowDecoder::decode, but upright; below a temporary file in any order. At the first call the
  /// picture is decoded. Errors: Input (damaged, truncated); Resource (no room for the file).
  void decode(int y, int count, float* out);

  /// Whether rows can be decoded again from the top.
  bool can_restart() const { return file_ >= 0; }

 private:
  void spool();
  bool needs_file() const;
  std::uint64_t file_bytes() const;
  void open_file();
  void write_squares(int y, int count, const std::vector<unsigned char>& samples);
  void load_band(int band);
  void take_line(int line, std::vector<unsigned char>& samples) const;
  std::size_t square_bytes() const;

  const RowDecoder& rows_;
  std::string name_;
  std::filesystem::path folder_;
  int width_;
  int height_;
  bool transposed_;
  bool lines_reversed_;   // the last stored row (transposed: column) is the first upright row
  bool pixels_reversed_;  // and along it the last pixel is the first
  int file_ = -1;
  int band_ = -1;                       // of the squares in memory
  std::vector<unsigned char> squares_;  // a row (transposed: a column) of them
};

}  // namespace chiaro::image
