// Pictures as OpenEXR files, which libvips does not write. Internal to the room.
#pragma once

#include <cstddef>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/image/encoding.h"

namespace chiaro::image {

/// One part of scan lines, compressed without loss (ZIP): R, G, B or Y, and A, multiplied into the
/// colours. 16-bit floats where encoding.half says so, which end at 65504. `pixels` gives floats of
/// linear light and is asked for rows from the top. Errors: Internal; whatever `pixels` throws.
std::vector<std::byte> encode_exr(const Encoding& encoding, const PixelWriter& pixels);

/// The same into a file, a few rows at a time. Errors: Output (disk full) as well.
void write_exr(const Encoding& encoding, const PixelWriter& pixels, AtomicFile& file);

}  // namespace chiaro::image
