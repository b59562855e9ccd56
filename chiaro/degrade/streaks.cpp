#include "chiaro/degrade/streaks.h"

#include <algorithm>
#include <cmath>

namespace chiaro::degrade {

void draw_streak(std::span<float> plane, int height, int width, const Streak& streak) {
  constexpr double kFade = 0.35;         // share of the half-length over which an end fades
  constexpr double kBellFoot = 0.92388;  // where (1-u²)² ends, for a full width at half height of 1
  // A pixel averages: with this much added in squares the light hardly depends on the phase.
  constexpr double kPixelPart = 2.0;
  const double effective = std::sqrt(kPixelPart + streak.width_px * streak.width_px);
  const double foot = kBellFoot * effective;
  const auto strength = static_cast<float>(streak.strength * streak.width_px / effective *
                                           std::min(1.0, streak.length_px / 2));
  const double half = std::max(0.5 * streak.length_px, 1.0);
  const double along_x = std::sin(streak.angle_rad);
  const double along_y = -std::cos(streak.angle_rad);
  const double reach_y = half * std::abs(along_y) + foot;
  const double reach_x = half * std::abs(along_x) + foot;
  const int first = std::max(0, static_cast<int>(std::ceil(streak.y - reach_y)));
  const int last = std::min(height - 1, static_cast<int>(std::floor(streak.y + reach_y)));
  for (int y = first; y <= last; ++y) {
    const double dy = y - streak.y;
    double low = streak.x - reach_x;
    double high = streak.x + reach_x;
    if (std::abs(along_y) > 0.2) {  // the band |across| < foot in this row
      const double centre = streak.x + dy * along_x / along_y;
      low = std::max(low, centre - foot / std::abs(along_y));
      high = std::min(high, centre + foot / std::abs(along_y));
    }
    const int begin = std::max(0, static_cast<int>(std::ceil(low)));
    const int end = std::min(width - 1, static_cast<int>(std::floor(high)));
    float* row = plane.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width);
    const auto u_row = static_cast<float>((dy * along_y - streak.x * along_x) / half);
    const auto u_step = static_cast<float>(along_x / half);
    const auto v_row = static_cast<float>((dy * along_x + streak.x * along_y) / foot);
    const auto v_step = static_cast<float>(-along_y / foot);
    for (int x = begin; x <= end; ++x) {
      const float u = std::abs(u_row + u_step * static_cast<float>(x));
      const float v = v_row + v_step * static_cast<float>(x);
      const float bell = std::max(0.0F, 1.0F - v * v);
      const float end_t = std::clamp((1.0F - u) * static_cast<float>(1 / kFade), 0.0F, 1.0F);
      row[x] += strength * bell * bell * end_t * end_t * (3.0F - 2.0F * end_t);
    }
  }
}

}  // namespace chiaro::degrade
