// Pictures to measure with.
#pragma once

#include <filesystem>

#include "chiaro/image/image.h"

namespace chiaro::bench {

/// JPEGs of mixed sizes and qualities, as they gather in a folder: parts of the photographs of
/// examples/photos/clean, continued by mirroring where they are smaller, with some noise. Two of
/// three have one of four usual formats, upright or lying, the others any size. The same for a
/// count. `folder` is made.
void write_mixed_jpegs(const std::filesystem::path& folder, int count);

/// The same, but small, for counting instead of computing: sides of 64 to 160 pixels.
void write_small_jpegs(const std::filesystem::path& folder, int count);

/// RGB with edges, ramps and a little noise, so that codecs have something to do; always the same.
image::Image test_picture(int height, int width);

}  // namespace chiaro::bench
