// What a file is, by its first bytes. Internal to the room.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace chiaro::image {

struct Sniffed {
  std::string format;       ///< "png", "jpeg", "webp", "tiff", "ppm", "pfm", "gif", "heif", "jxl",
                            ///< "jp2", "bmp"; "": not read here
  std::string description;  ///< for a message: "a PNG picture", "plain text", "a PDF document"
};

/// Judges the first bytes (4096 are plenty) of a file.
Sniffed sniff(std::span<const std::byte> first_bytes);

}  // namespace chiaro::image
