#include "chiaro/restore/margin.h"

#include <algorithm>
#include <utility>

#include "chiaro/restore/tiling.h"

namespace chiaro::restore {

Margin margin_of(const bundle::Manifest& manifest, int height, int width) {
  constexpr int kEnough = 8;  // 16 and 32 gain no more
  constexpr int kLeastStep = 16;
  const int most =
      manifest.global_statistics ? kEnough : std::min(kEnough, manifest.receptive_field_px / 2);
  const int step = round_up(kLeastStep, manifest.alignment_px);
  const auto shared = [&](int length) {
    const int missing = round_up(length, step) - length;
    const int before = std::min(most, missing / 2);
    return std::pair(before, std::min(most, missing - before));
  };
  const auto [top, bottom] = shared(height);
  const auto [left, right] = shared(width);
  return {.top = top, .bottom = bottom, .left = left, .right = right};
}

}  // namespace chiaro::restore
