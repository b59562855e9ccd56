// What a PNG file says of its own parts. Internal to the room.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "chiaro/image/image.h"
#include "chiaro/image/vips_session.h"

namespace chiaro::image {

inline constexpr const char* kPngColours = "chiaro-png-colours";  ///< blob, see PngChunks

/// What is read of texts, EXIF and the like takes at most 16 MiB together, empty blocks included,
/// and so does what is inflated.
struct PngChunks {
  /// That are nothing else in disguise (XMP, profiles in digits); and further chunks that say of
  /// themselves that they may be copied to a file of other pixels (PNG, "safe-to-copy bit").
  std::vector<TextBlock> texts;
  /// Also where libvips does not look: behind the pixels, and in texts of digits (ImageMagick).
  std::vector<std::uint8_t> exif;  ///< without a prefix
  std::vector<std::uint8_t> xmp;
  std::vector<std::uint8_t> iptc;  ///< as Metadata::iptc
  /// How the samples are meant, as whole chunks: cICP, mDCV, cLLI; and gAMA and cHRM, but not
  /// beside a profile or sRGB, which overrule them.
  std::vector<std::uint8_t> colours;
  std::string fault;  ///< of a file that ends within its pixels, or behind them: how; else ""
};

/// libpng takes the memory that a chunk claims, up to 2 GiB, and clears it before it reads: here a
/// chunk that claims more than the file has is refused first. Files whose length cannot be known
/// are let through. Errors: Input (a part before the pixels is damaged or truncated, or any part
/// that libpng would take much memory for).
PngChunks read_png_chunks(const VipsSourcePointer& source, const std::string& name);

/// Puts into the header what libvips did not find itself, with the orientation that EXIF states.
void attach_png_blocks(_VipsImage* header, const PngChunks& chunks);

/// Whether PngChunks::colours say something else than sRGB does.
bool differ_from_srgb(std::span<const std::uint8_t> colours);

/// A text as UTF-8 for the format that has a place for comments alone: that of a PNG whose keyword
/// is "Comment", where it is not deflated, and that of a JPEG; "" for others.
std::string comment_of(const TextBlock& text);
/// A comment as a PNG has it: tEXt, or iTXt where it holds more than ASCII and is UTF-8.
TextBlock png_comment(const std::string& comment);

}  // namespace chiaro::image
