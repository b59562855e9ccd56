// Parts of a picture by which results can be compared.
#pragma once

#include <string>
#include <vector>

#include "chiaro/image/image.h"
#include "chiaro/restore/region.h"

namespace chiaro::cli {

struct TellingCrop {
  restore::Region region;
  std::string why;  ///< "most detail", "flattest", "darkest", "more detail"
};

struct TellingCrops {
  std::vector<TellingCrop> crops;  ///< at least one; all of one size
  std::string shortage;            ///< why there are fewer than wanted; "": there are not
};

/// At most `count` squares of side_px that do not overlap (one of the picture's own size where it
/// is smaller): the one with most detail (mean difference of neighbours), the flattest that is
/// neither black nor white, the darkest that is not black, then by detail again. Fewer where the
/// picture has no room, or where the rest has no detail at all.
TellingCrops telling_crops(const image::Image& picture, int side_px, int count);

}  // namespace chiaro::cli
