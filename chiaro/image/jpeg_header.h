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
  int density_unit = 0;            ///< of JFIF: 0 none, 1 inch, 2 centimetre
  int x_density = 0;               ///< in that unit; 0: not stated
  int y_density = 0;
  std::vector<std::vector<std::uint8_t>> comments;
};

/// Walks the markers up to the first scan. Tolerates anything; unknown stays at its default.
JpegHeader read_jpeg_header(std::span<const std::byte> bytes);

}  // namespace chiaro::image
