// What codecs hold of a picture that is read in strips. Internal to the room; of one that is
// written see strip_writer_bytes.
#pragma once

#include <cstdint>

#include "chiaro/image/vips_decode.h"

namespace chiaro::image {

/// Bytes, about (measured at widths of 20,000 pixels).
std::int64_t strip_reader_bytes(const OpenedPicture& picture);

}  // namespace chiaro::image
