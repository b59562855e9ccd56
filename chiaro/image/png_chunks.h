// What a PNG file says of its own parts. Internal to the room.
#pragma once

#include <string>

#include "chiaro/image/vips_session.h"

namespace chiaro::image {

/// libpng takes the memory that a chunk claims, up to 2 GiB, and clears it before it reads: here a
/// chunk that claims more than the file has is refused first. Files whose length cannot be known
/// are let through. Errors: Input (damaged or truncated).
void check_png_chunks(const VipsSourcePointer& source, const std::string& name);

}  // namespace chiaro::image
