// One picture that shows where which damage is.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "chiaro/bundle/manifest.h"
#include "chiaro/image/image.h"
#include "chiaro/restore/inspector.h"

namespace chiaro::cli {

/// The probability of type `type` at a pixel, between the windows' centres by straight lines.
float map_value(const restore::InspectionMap& map, std::size_t type, double y, double x);

/// Where a type is.
struct Spread {
  std::size_t type = 0;  ///< its place among info.types
  double share = 0;      ///< in [0,1], of the picture, where it is more probable than not
  double lowest = 0;     ///< probability
  double highest = 0;
};

/// Of all types but clean that are noticeable somewhere, the most widespread first.
std::vector<Spread> spreads(const image::Image& picture, const restore::InspectionMap& map,
                            const bundle::ConditionInfo& info);

/// "noise evenly all over the picture", "rain on 62 % of the picture", "snow nowhere likely (at
/// most 34 % sure)".
std::string spread_text(const Spread& spread, const bundle::ConditionInfo& info);

/// The picture, then the picture once for each of the spreads, the stronger coloured the more
/// probable the type is there, with words; below them what the colour means.
image::Image inspection_sheet(const image::Image& picture, const restore::InspectionMap& map,
                              const bundle::ConditionInfo& info);

}  // namespace chiaro::cli
