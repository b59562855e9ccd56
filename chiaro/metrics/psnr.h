// Peak signal-to-noise ratio.
#pragma once

#include "chiaro/metrics/planes.h"

namespace chiaro::metrics {

/// 10 log10(1 / (mean square error + epsilon)) in dB over all samples of all planes, float64.
/// Identical pictures give +infinity unless the protocol has an epsilon. Errors: as scored_planes.
double psnr(const image::Image& restored, const image::Image& target,
            const Protocol& protocol = {});

/// As above on samples already prepared.
double psnr(const PlanePair& pair, const Protocol& protocol);

}  // namespace chiaro::metrics
