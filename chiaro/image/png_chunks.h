// What a PNG file says of its own parts. Internal to the room.
#pragma once

#include <string>
#include <vector>

#include "chiaro/image/image.h"
#include "chiaro/image/vips_session.h"

namespace chiaro::image {

struct PngChunks {
  /// That are nothing else in disguise (XMP, profiles in digits), as long as they take at most 16
  /// MiB together.
  std::vector<TextBlock> texts;
  std::string fault;  ///< of a file that ends within its pixels, or behind them: how; else ""
};

/// libpng takes the memory that a chunk claims, up to 2 GiB, and clears it before it reads: here a
/// chunk that claims more than the file has is refused first. Files whose length cannot be known
/// are let through. Errors: Input (a part before the pixels is damaged or truncated, or any part
/// that libpng would take much memory for).
PngChunks read_png_chunks(const VipsSourcePointer& source, const std::string& name);

/// A text as UTF-8 for the format that has a place for comments alone: that of a PNG whose keyword
/// is "Comment", where it is not deflated, and that of a JPEG; "" for others.
std::string comment_of(const TextBlock& text);
/// A comment as a PNG has it: tEXt, or iTXt where it holds more than ASCII and is UTF-8.
TextBlock png_comment(const std::string& comment);

}  // namespace chiaro::image
