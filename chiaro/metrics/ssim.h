// Structural similarity at one and at several scales.
#pragma once

#include "chiaro/metrics/planes.h"

namespace chiaro::metrics {

/// SSIM (Wang, Bovik, Sheikh, Simoncelli 2004) over the windows that lie inside the picture, mean
/// over planes, float64; in [−1,1], identical pictures give 1. Errors: as scored_planes; Input if a
/// side is smaller than the window.
double ssim(const image::Image& restored, const image::Image& target,
            const Protocol& protocol = {});
double ssim(const PlanePair& pair, const Protocol& protocol);

/// MS-SSIM (Wang, Simoncelli, Bovik 2003): five scales by 2×2 means, exponents 0.0448, 0.2856,
/// 0.3001, 0.2363, 0.1333; a negative mean structure counts as 0. Errors: as ssim; Input if the
/// fifth scale holds no window (Gaussian: sides of at least 161 px are needed).
double ms_ssim(const image::Image& restored, const image::Image& target,
               const Protocol& protocol = {});
double ms_ssim(const PlanePair& pair, const Protocol& protocol);

}  // namespace chiaro::metrics
