// An Image into the bytes of a picture file. Internal to the room.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "chiaro/image/codec.h"

namespace chiaro::image {

/// The format that a file name asks for by its extension, "" where it is none that is written here.
std::string format_of_extension(const std::string& extension);

/// options.format must name a format. Errors: Usage (unknown format, impossible quality), Internal,
/// Interrupted.
std::vector<std::byte> encode_picture(const Image& picture, const WriteOptions& options);

}  // namespace chiaro::image
