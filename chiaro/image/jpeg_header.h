// Facts of a JPEG that its decoder does not tell. Internal to the room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace chiaro::image {

struct JpegHeader {
  int quality = 0;  ///< 1–100 of the usual tables nearest to the file's; 0: no table found
  bool chroma_subsampled = false;  ///< chroma halved in both directions (4:2:0)
  bool states_density = false;     ///< JFIF with a unit of length
  std::vector<std::vector<std::uint8_t>> comments;
};

/// Walks the markers up to the first scan. Tolerates anything; unknown stays at its default.
JpegHeader read_jpeg_header(std::span<const std::byte> bytes);

}  // namespace chiaro::image
