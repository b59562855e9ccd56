#include "chiaro/image/strip_memory.h"

#include <vips/vips.h>

#include <algorithm>
#include <span>

#include "chiaro/image/exr_read.h"
#include "chiaro/image/metadata_read.h"
#include "chiaro/image/strips.h"
#include "chiaro/image/tiff_folders.h"

namespace chiaro::image {
namespace {

/// Of one of libvips' buffers (vips_get_tile_size).
std::int64_t rows_of_buffer() {
  const std::int64_t cores = vips_concurrency_get();
  return std::max<std::int64_t>({128, (128 * cores + 999) / 1000 * 128, 16 * cores});
}

/// Of a field; 0 where there is none.
int number_of(VipsImage* header, const char* field) {
  int value = 0;
  return vips_image_get_typeof(header, field) != 0 && vips_image_get_int(header, field, &value) == 0
             ? value
             : 0;
}

}  // namespace

std::int64_t strip_reader_bytes(const OpenedPicture& picture) {
  const std::string& format = picture.type.format;
  VipsImage* header = picture.header.get();
  const std::int64_t row =
      static_cast<std::int64_t>(VIPS_IMAGE_SIZEOF_PEL(header)) * vips_image_get_width(header);
  if (format == "exr") {  // packed, and not
    return 2 * row * std::max(number_of(header, kExrTileRows), number_of(header, kExrChunkRows));
  }
  if (format != "png" && format != "jpeg" && format != "tiff") return 0;  // mapped, or row by row
  TiffParts parts;
  if (format == "tiff") {
    show_whole(picture.source.get(), [&](std::span<const std::uint8_t> file) {
      parts = parts_of_tiff(file, std::max(picture.page, 0));
    });
  }
  // Rows of tiles in place of buffers of rows.
  const std::int64_t rows =
      parts.tile_height > 0 ? 2 * std::int64_t{parts.tile_height} : 4 * rows_of_buffer();
  return std::min<std::int64_t>(rows, vips_image_get_height(header)) * row +
         static_cast<std::int64_t>(parts.largest_bytes);
}

std::int64_t strip_writer_bytes(const Frame& frame) {
  // What libvips holds in each of two buffers, as much for those looked back, and what the format's
  // library holds of a group of rows, as they are and coded.
  const std::int64_t rows = 6 * rows_of_buffer();
  const std::int64_t sample = frame.sample_type == SampleType::F32   ? 4
                              : frame.sample_type == SampleType::U16 ? 2
                                                                     : 1;
  // Of libvips, with what its threads hold; of floats they hold more (measured).
  const std::int64_t threads = frame.sample_type == SampleType::F32 ? 28 << 20 : 8 << 20;
  return threads + rows * sample * frame.width * (frame.channels + (frame.has_alpha ? 1 : 0));
}

}  // namespace chiaro::image
