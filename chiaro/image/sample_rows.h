// An Image as rows of interleaved samples, as files store them. Internal to the room.
#pragma once

#include <cstddef>

#include "chiaro/image/colour_profile.h"
#include "chiaro/image/image.h"

namespace chiaro::image {

/// Holds no pixels; picture and conversion must outlive it. Thread-safe.
class SampleRows {
 public:
  struct Layout {
    SampleType type = SampleType::U8;
    bool alpha = false;           ///< as the last sample of a pixel
    bool flatten = false;         ///< lay the picture on white instead, where it has alpha
    bool divide = false;          ///< take the alpha out of the colours (Metadata::multiplied)
    bool spread_grey = false;     ///< as three equal samples
    bool lowest_is_zero = false;  ///< of floats: the file has no place for values below

    /// Of a pixel of a picture of so many channels.
    int samples(int channels) const { return (spread_grey ? 3 : channels) + (alpha ? 1 : 0); }
  };
  /// conversion: of the picture's colours to the file's; nullptr: none is needed.
  SampleRows(const Image& picture, Layout layout, const ColourConversion* conversion);

  int samples_per_pixel() const { return layout_.samples(picture_.channels()); }
  std::size_t bytes_per_sample() const;

  /// Pixels [x, x + count) of row y, clipped and rounded to the nearest (floats as they are), in
  /// this machine's byte order.
  void write(int y, int x, int count, unsigned char* out) const;

 private:
  const Image& picture_;
  Layout layout_;
  const ColourConversion* conversion_;
};

}  // namespace chiaro::image
