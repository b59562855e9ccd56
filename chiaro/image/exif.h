// Small changes within an EXIF block, which otherwise stays as it is to the byte. Internal to the
// room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace chiaro::image {

/// Sets the orientation to 1 and cuts off the thumbnail, which would show the picture as it was
/// before. `exif` is a TIFF structure; a damaged one is changed as far as it can be followed.
void make_exif_upright(std::vector<std::uint8_t>& exif);

/// Sets the stored picture size, where it is stored at all.
void set_exif_size(std::vector<std::uint8_t>& exif, int width, int height);

}  // namespace chiaro::image
