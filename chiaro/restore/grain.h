// The fine grain that a restoration takes away, of which a share may come back: without any, skin
// and film look like plastic.
#pragma once

#include <span>

namespace chiaro::restore {

/// How far return_grain looks from a pixel.
inline constexpr int kGrainReachPx = 9;

/// Adds to `restored` that share, 0 to 1, of the grain that `source` has and it has not. Both are
/// (channels,height,width) in the same units; 1 or 3 channels. Grain is of brightness alone (luma
/// of BT.601): the difference, less what a binomial filter of 5 pixels leaves of it, held
/// within 2.5 deviations of what is usual in the 15×15 pixels around. So noise comes back; streaks,
/// flakes, colour and tone do not. Where a difference is not finite it counts as 0. A choice of
/// this project, from no publication.
void return_grain(std::span<const float> source, std::span<float> restored, int channels,
                  int height, int width, double share);

}  // namespace chiaro::restore
