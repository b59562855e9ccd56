// The samples that a protocol compares, in float64.
#pragma once

#include <vector>

#include "chiaro/image/image.h"
#include "chiaro/metrics/protocol.h"

namespace chiaro::metrics {

/// One channel, row by row; nominally [0,1].
struct Plane {
  int height = 0;
  int width = 0;
  std::vector<double> samples;  ///< (H,W)
};

/// Both pictures after clipping, rounding, luma and cropping; as many planes in one as in the
/// other.
struct PlanePair {
  std::vector<Plane> restored;
  std::vector<Plane> target;
};

/// Alpha is not looked at. Errors: Input (empty, unequal size or channels, NaN or infinite values,
/// nothing left after cropping), Usage (protocol out of range).
PlanePair scored_planes(const image::Image& restored, const image::Image& target,
                        const Protocol& protocol);

/// The same of one picture, for metrics without a reference. Errors: as above.
std::vector<Plane> scored_planes(const image::Image& picture, const Protocol& protocol);

}  // namespace chiaro::metrics
