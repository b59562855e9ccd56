// Parts of a picture by which results can be compared.
#pragma once

#include <vector>

#include "chiaro/image/image.h"
#include "chiaro/restore/region.h"

namespace chiaro::cli {

/// At most `count` squares of side_px that do not overlap, fewer where the picture has no room (one
/// of the picture's own size where it is smaller): the one with most detail (mean difference of
/// neighbours), the flattest that is neither black nor white, the darkest that is not black, then
/// by detail again. All are of one size.
std::vector<restore::Region> telling_crops(const image::Image& picture, int side_px, int count);

/// Pictures of one size from left to right, with a white gap between them; without alpha.
image::Image side_by_side(const std::vector<image::Image>& pictures);

}  // namespace chiaro::cli
