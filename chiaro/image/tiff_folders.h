// EXIF out of a TIFF file and into one: a TIFF keeps in its own folders what other formats keep in
// an EXIF block. Internal to the room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace chiaro::image {

/// The descriptive tags of a TIFF (camera, time, author, exposure, place …) as an EXIF block; empty
/// where there are none, where the file is damaged, or a BigTIFF.
std::vector<std::uint8_t> exif_of_tiff(std::span<const std::uint8_t> file);

/// Adds the descriptive tags of an EXIF block, and IPTC records, to a little-endian TIFF; BigTIFF
/// stays as it is.
void embed_in_tiff(std::vector<std::byte>& file, std::span<const std::uint8_t> exif,
                   std::span<const std::uint8_t> iptc);

}  // namespace chiaro::image
