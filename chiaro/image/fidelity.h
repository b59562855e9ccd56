// What went into a restoration and what came out, beside the pixels.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace chiaro::image {

enum class Fate {
  Kept,     ///< there as before (orientation: applied to the pixels, which says the same)
  Changed,  ///< still there, with another value
  Lost
};

/// "kept", "changed", "lost".
const char* fate_name(Fate fate);

struct Trait {
  std::string name;    ///< "EXIF Artist", "ICC profile", "bits per sample", "transparency", …
  std::string before;  ///< for people: a number, a text, or "N bytes"
  std::string after;   ///< "" where it is lost
  Fate fate = Fate::Kept;
  int page = 1;  ///< of a TIFF with several
};

/// Compares two picture files block by block: EXIF (by tag), XMP, ICC, IPTC (by record),
/// resolution, orientation, bits per sample, transparency, colours, comments, further pictures in
/// the file (pages, animation, gain maps), and blocks nobody here knows; of a TIFF each page that
/// both have. Of floats, whether values outside [0,1] (HDR) are still there. Of files other than
/// JPEG, PNG, WebP and TIFF only what libvips tells; of one that ends early, what there is. Errors:
/// Input (not a picture).
std::vector<Trait> compare_files(std::span<const std::byte> before,
                                 std::span<const std::byte> after);

}  // namespace chiaro::image
