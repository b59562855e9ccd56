// Places in the planes of pictures.
#pragma once

#include <cstddef>

namespace chiaro::image {

/// value >= 0.
constexpr std::size_t as_size(int value) {
  return static_cast<std::size_t>(value);
}

/// Index into n >= 1 values that go on mirrored at both ends without repeating the edge, as
/// pad_reflect grows pictures: … 2 1 | 0 1 2 … n-1 | n-2 …; of one value always 0.
constexpr int mirrored(int i, int n) {
  if (n == 1) return 0;
  const int period = 2 * (n - 1);
  i %= period;
  if (i < 0) i += period;
  return i < n ? i : period - i;
}

}  // namespace chiaro::image
