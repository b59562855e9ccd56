// Small changes within an EXIF block, which otherwise stays as it is to the byte. Internal to the
// room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace chiaro::image {

/// Sets the orientation to 1 and cuts off the thumbnail, which would show the picture as it was
/// before. `exif` is a TIFF structure; a damaged one is changed as far as it can be followed.
void make_exif_upright(std::vector<std::uint8_t>& exif);

/// 1 to 8; 1 where none is stated.
int orientation_of_exif(std::vector<std::uint8_t> exif);

/// WhitePoint and PrimaryChromaticities, how samples are meant: taken out; what is left of a block
/// that said nothing else is empty.
void drop_exif_colours(std::vector<std::uint8_t>& exif);
/// Whether both are there, and are those of sRGB (IEC 61966-2-1).
bool exif_colours_are_srgb(std::vector<std::uint8_t> exif);
/// Whether these are the values of WhitePoint (2) or PrimaryChromaticities (6) of sRGB.
bool are_srgb_colours(std::span<const double> values);

/// Sets the stored picture size, where it is stored at all.
void set_exif_size(std::vector<std::uint8_t>& exif, int width, int height);

/// The tags XResolution, YResolution and ResolutionUnit of the main folder.
struct ExifResolution {
  double x = 0;  ///< 0: not stated, or no number
  double y = 0;
  int unit = 2;  ///< 1 none, 2 inch (also where the tag is missing), 3 centimetre
};
ExifResolution resolution_of_exif(const std::vector<std::uint8_t>& exif);

/// The block with these tags where it has no XResolution; an empty one becomes a block of them
/// alone. A damaged block stays as it is.
std::vector<std::uint8_t> with_exif_resolution(std::vector<std::uint8_t> exif,
                                               const ExifResolution& resolution);

}  // namespace chiaro::image
