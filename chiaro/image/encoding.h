// What coding a picture takes, apart from where its pixels come from and where the bytes go.
// Internal to the room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "chiaro/image/codec.h"
#include "chiaro/image/colour_profile.h"
#include "chiaro/image/sample_rows.h"
#include "chiaro/image/strips.h"
#include "chiaro/image/value_range.h"
#include "chiaro/image/vips_session.h"

struct _VipsTarget;

namespace chiaro::image {

using VipsTargetPointer = std::unique_ptr<_VipsTarget, ReleaseObject>;

/// How a picture becomes a file.
struct Encoding {
  int channels = 0;  ///< of the picture, without alpha
  int height = 0;
  int width = 0;
  WriteOptions options;  ///< with a format
  Metadata metadata;     ///< that goes into the file
  SampleRows::Layout layout;
  std::unique_ptr<ColourConversion> conversion;  ///< nullptr: none is needed
  bool half = false;                             ///< of an OpenEXR file: 16-bit floats
  bool from_floats = false;                      ///< the source's samples
  bool in_strips = false;  ///< nothing may hold the whole picture, at the price of a larger file

  int samples_per_pixel() const { return layout.samples(channels); }
  std::size_t row_bytes() const;
};

/// The most that a plain TIFF can be, with something to spare; a BigTIFF has no such bound.
constexpr std::int64_t kPlainTiffBytes = 4'200'000'000;

/// No TIFF that is written of such a picture is larger, whatever it shows: LZW makes noise larger
/// than it is.
std::int64_t tiff_bytes_at_most(const Frame& frame, const WriteOptions& options);

/// Errors: Usage (empty, unknown format, impossible quality, too large for the format).
Encoding plan_encoding(const Frame& frame, const WriteOptions& options);

/// Says of a picture of floats what lies outside the range that the file holds.
void warn_of_lost_range(const Encoding& encoding, const Beyond& beyond);

/// Writes pixels [x, x + count) of row y as samples; called from any thread.
using PixelWriter = std::function<void(int y, int x, int count, unsigned char* out)>;

/// Codes PNG, JPEG, WebP, TIFF or Radiance into `target`, which must be readable and seekable for
/// TIFF, without what embed_metadata adds. `pixels` is asked for rows roughly from the top; what it
/// throws is thrown again. Errors: Internal.
void save_through_vips(const Encoding& encoding, const PixelWriter& pixels, _VipsTarget* target);

/// How many rows above the last one asked for may still be asked for while an image of this
/// encoding is saved.
int rows_looked_back(const Encoding& encoding);

/// The first line of a netpbm file; behind it stand the rows: PPM has 16 bits big-endian, PFM the
/// bottom row first.
std::string netpbm_header(const Encoding& encoding);

/// Brings a row of samples into netpbm's byte order.
void order_netpbm_row(const Encoding& encoding, unsigned char* row);

}  // namespace chiaro::image
