// One picture that shows where which damage is.
#pragma once

#include "chiaro/bundle/manifest.h"
#include "chiaro/image/image.h"
#include "chiaro/restore/inspector.h"

namespace chiaro::cli {

/// The probability of type `type` at a pixel, between the windows' centres by straight lines.
float map_value(const restore::InspectionMap& map, std::size_t type, double y, double x);

/// The picture, then the picture once for every type but clean whose highest probability is
/// noticeable, the stronger coloured the more probable it is there; each with its name and the
/// share of the picture where it is the more probable than not.
image::Image inspection_sheet(const image::Image& picture, const restore::InspectionMap& map,
                              const bundle::ConditionInfo& info);

}  // namespace chiaro::cli
