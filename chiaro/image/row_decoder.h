// The rows of an opened picture as floats, from the top, as they are stored. Internal to the room.
#pragma once

#include <cstddef>
#include <memory>

#include "chiaro/image/codec.h"
#include "chiaro/image/colour_profile.h"
#include "chiaro/image/strips.h"
#include "chiaro/image/vips_decode.h"
#include "chiaro/image/vips_session.h"

namespace chiaro::image {

/// How the samples of an opened picture are stored.
SampleType stored_type(const _VipsImage& header);

/// Decodes each row once, from the top. Colours are converted to sRGB as ReadOptions says; the
/// orientation is not applied. The picture must outlive it.
class RowDecoder {
 public:
  /// Errors: Input (too large, too many channels, unknown kind of samples).
  RowDecoder(const OpenedPicture& picture, const ReadOptions& options, Notes notes = Notes::Said);

  int width() const { return width_; }  ///< as stored
  int height() const { return height_; }
  int channels() const { return channels_; }  ///< 1 or 3, without alpha
  bool has_alpha() const { return has_alpha_; }
  int orientation() const { return orientation_; }  ///< EXIF, 1 to 8; others count as 1
  SampleType sample_type() const { return sample_type_; }
  bool may_exceed() const { return sample_type_ == SampleType::F32 || conversion_ != nullptr; }
  bool exact() const;                                     ///< see Frame
  const Metadata& metadata() const { return metadata_; }  ///< of the picture as stored

  /// Floats from one decoded row to the next; at least (channels() + alpha) * width().
  std::size_t stride() const { return bands_ * static_cast<std::size_t>(width_); }

  /// Rows [y, y + count), y where the last call ended. Row k is at out + k * stride(): its colour
  /// planes one behind the other, then alpha, each of width() values. Any thread, one at a time.
  /// Errors: Input (damaged, truncated).
  void decode(int y, int count, float* out) const;

  /// The two halves of decode. Rows as they are stored, pixel_bytes() each pixel, without gaps; and
  /// n pixels of such a row as planes of n values.
  void fetch(int y, int count, unsigned char* out) const;
  void expand(const unsigned char* samples, std::size_t n, float* planes) const;
  std::size_t pixel_bytes() const;
  std::size_t bands() const { return bands_; }  ///< samples of a pixel that is stored

  using Spread = void (*)(const unsigned char*, std::size_t, std::size_t, double, float*);

 private:
  VipsRegionPointer prepared(int y, int count) const;

  const OpenedPicture& picture_;
  VipsImagePointer known_;
  Metadata metadata_;
  std::unique_ptr<ColourConversion> conversion_;
  SampleType sample_type_ = SampleType::U8;
  Spread spread_ = nullptr;
  double scale_ = 1;
  int width_ = 0;
  int height_ = 0;
  int channels_ = 1;
  int orientation_ = 1;
  std::size_t bands_ = 1;
  bool cmyk_ = false;
  bool has_alpha_ = false;
};

}  // namespace chiaro::image
