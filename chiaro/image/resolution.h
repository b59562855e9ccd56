// How densely the pixels of a file lie, as far as it says so. Internal to the room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "chiaro/image/image.h"
#include "chiaro/image/tiff_folders.h"
#include "chiaro/image/vips_session.h"

namespace chiaro::image {

struct OpenedPicture;

/// The chunk pHYs of a PNG.
struct PngDensity {
  std::uint32_t x = 0;  ///< pixels in a unit; 0: not stated
  std::uint32_t y = 0;
  int unit = 0;  ///< 0 none, 1 metre
};

/// As far as there is one before the pixels. Leaves the source at its beginning.
PngDensity read_png_density(const VipsSourcePointer& source);

/// Sets the resolution of `metadata`, whose EXIF is there already, as stored (before turning).
/// Nothing that a decoder fills in; without a unit only what is no square.
void take_resolution(const OpenedPicture& picture, Metadata& metadata);

/// What a number means in the tag ResolutionUnit of a TIFF and of EXIF.
constexpr int kNoUnit = 1;
constexpr int kInch = 2;
constexpr int kCentimetre = 3;

/// What the tags of a TIFF or an EXIF block are to hold: where nothing is stated, one pixel of no
/// unit, which says just that.
struct ResolutionTags {
  double x = 1;
  double y = 1;
  int unit = kNoUnit;
};
ResolutionTags resolution_tags(const Metadata& metadata);

/// Takes the unit away from a little-endian TIFF of libvips, which always writes one. Nothing to do
/// where the metadata have a unit.
std::optional<TiffPatch> lacking_unit(std::span<const std::byte> tiff, const Metadata& metadata);

/// The EXIF block with the resolution, for a format that has no other place for it: unchanged where
/// none is stated, where it has one, and where it is damaged.
std::vector<std::uint8_t> exif_with_resolution(const Metadata& metadata);

}  // namespace chiaro::image
