// Metadata put into a coded picture. libvips rewrites some of it, and cannot place all of it in
// every format. Internal to the room.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "chiaro/image/image.h"

namespace chiaro::image {

/// `coded` is a whole "png", "jpeg" or "webp" file without metadata, a "hdr" with those that
/// libvips makes up, or a "tiff" that lacks EXIF and IPTC; other formats come back unchanged. What
/// the format has no place for is left out. Errors: Internal (not such a file).
std::vector<std::byte> embed_metadata(const std::string& format, std::span<const std::byte> coded,
                                      const Metadata& metadata);

/// What a PNG ends with whose source has chunks behind its pixels: they come in place of the last
/// `kPngEnd` bytes, which they repeat at their own end. Empty where there are none.
std::vector<std::byte> png_end(const Metadata& metadata);
inline constexpr std::size_t kPngEnd = 12;  ///< IEND

}  // namespace chiaro::image
