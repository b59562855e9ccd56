// One picture that shows every degradation at three strengths.
#pragma once

#include <cstdint>
#include <string>

#include "chiaro/image/image.h"

namespace chiaro::cli {

/// Writes dark text into the picture with its upper left corner at (y, x); what leaves the picture
/// is cut off. Errors: Internal.
void draw_label(image::Image& picture, int y, int x, const std::string& text, int height_px);

/// Copies the three planes of `part` into the sheet with its upper left corner at (y, x).
void paste(image::Image& sheet, const image::Image& part, int y, int x);

/// All catalogue entries at severities 0.3, 0.6 and 1 on the middle of `clean`, with labels: two
/// blocks side by side, at most 2000 pixels wide.
image::Image contact_sheet(const image::Image& clean, std::uint64_t seed);

}  // namespace chiaro::cli
