// EXIF out of a TIFF file and into one: a TIFF keeps in its own folders what other formats keep in
// an EXIF block. Internal to the room.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace chiaro::image {

/// The descriptive tags of a TIFF (camera, time, author, exposure, place …) as an EXIF block; empty
/// where there are none, where the file is damaged, or a BigTIFF.
std::vector<std::uint8_t> exif_of_tiff(std::span<const std::uint8_t> file);

/// What a TIFF file needs to hold more.
struct TiffAddition {
  std::vector<std::uint8_t> tail;       ///< to be appended to the file; empty: nothing to add
  std::array<std::byte, 4> start = {};  ///< to be put over the four bytes at kTiffStart
};
constexpr std::size_t kTiffStart = 4;

/// Adds the descriptive tags of an EXIF block, and IPTC records, to a little-endian TIFF; nothing
/// to a BigTIFF, or where the result would be too large for a plain TIFF.
TiffAddition addition_to_tiff(std::span<const std::byte> file, std::span<const std::uint8_t> exif,
                              std::span<const std::uint8_t> iptc);

}  // namespace chiaro::image
