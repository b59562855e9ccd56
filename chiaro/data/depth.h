// Depth maps beside training pictures.
#pragma once

#include "chiaro/image/image.h"

namespace chiaro::data {

/// The depth map (1,H,W) in [0,1], larger is farther, 0 unknown, with what is unknown filled from
/// what is known around it. Empty where nothing is known.
image::Image fill_unknown_depth(const image::Image& depth);

}  // namespace chiaro::data
