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

/// What is read of texts and EXIF takes at most 16 MiB together, empty blocks included, and so do
/// further chunks, and what is inflated.
struct PngChunks {
  std::vector<TextBlock> texts;  ///< that are nothing else in disguise (XMP, profiles in digits)
  std::vector<FurtherChunks::Chunk> further;
  /// Also where libvips does not look: behind the pixels, and in texts of digits (ImageMagick).
  std::vector<std::uint8_t> exif;  ///< without a prefix
  std::vector<std::uint8_t> xmp;
  std::vector<std::uint8_t> iptc;  ///< as Metadata::iptc
  /// How the samples are meant, as whole chunks: cICP, mDCV, cLLI; and gAMA and cHRM, but not
  /// beside a profile or sRGB, which overrule them.
  std::vector<std::uint8_t> colours;
  std::string fault;  ///< of a file that ends within its pixels, or behind them: how; else ""
  std::vector<std::string> notes;  ///< what was left out, and why
};

/// libpng takes the memory that a chunk claims, up to 2 GiB, and clears it before it reads: here a
/// chunk that claims more than the file has is refused first. Files whose length cannot be known
/// are let through. Errors: Input (a part before the pixels is damaged or truncated, or any part
/// that libpng would take much memory for).
PngChunks read_png_chunks(const VipsSourcePointer& source, const std::string& name);

/// Puts into the header what libvips did not find itself, with the orientation that EXIF states.
void attach_png_blocks(_VipsImage* header, const PngChunks& chunks);

/// What PngChunks::colours say that is not so of every file without them.
struct StatedColours {
  bool samples = false;    ///< by cICP, gAMA or cHRM: that samples are meant otherwise than as sRGB
  bool mastering = false;  ///< mDCV, cLLI: of the display and the light of the master
};
StatedColours stated_colours(std::span<const std::uint8_t> colours);

/// A text as UTF-8 for the format that has a place for comments alone: that of a PNG whose keyword
/// is "Comment", where it is not deflated, and that of a JPEG; "" for others.
std::string comment_of(const TextBlock& text);
/// A comment as a PNG has it: tEXt, or iTXt where it holds more than ASCII and is UTF-8.
TextBlock png_comment(const std::string& comment);

}  // namespace chiaro::image
