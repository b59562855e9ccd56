// Antialiased streaks: falling rain, and fast snow.
#pragma once

#include <span>

namespace chiaro::degrade {

/// A bright line seen through the exposure.
struct Streak {
  double y = 0;  ///< of the middle, in pixels
  double x = 0;
  double length_px = 10;
  double width_px = 1;   ///< full width at half height; below one pixel it gets fainter instead
  double angle_rad = 0;  ///< from vertical, positive leaning to the right at the top
  double strength = 1;   ///< of its middle
};

/// Adds the streak to the plane (H,W): a smooth bell across, ends that fade over the outer third.
void draw_streak(std::span<float> plane, int height, int width, const Streak& streak);

}  // namespace chiaro::degrade
