// Where tiles lie. Pure geometry on the padded input, whose sides are multiples of the network's
// alignment.
#pragma once

#include <cstdint>
#include <vector>

namespace chiaro::restore {

/// The largest multiple of `multiple` that is not above `value`; both ≥ 0.
constexpr int round_down(int value, int multiple) {
  return value / multiple * multiple;
}

/// The smallest multiple of `multiple` that is not below `value`; both ≥ 0.
constexpr int round_up(int value, int multiple) {
  return round_down(value + multiple - 1, multiple);
}

/// One tile along one axis. The network sees [window_begin, window_begin + window); of its result,
/// [keep_begin, keep_end) is used. Where the ramps are not empty, neighbours are blended: the first
/// `ramp_before` pixels of the kept part belong to the previous tile too, the last `ramp_after` to
/// the next. All in input pixels.
struct AxisTile {
  int window_begin = 0;
  int keep_begin = 0;
  int keep_end = 0;
  int ramp_before = 0;
  int ramp_after = 0;
};

/// Covers [0, length) with `count` windows of one size, evenly. Windows begin at multiples of
/// `alignment`; length and window are such multiples, and the windows must overlap by 2 * overlap
/// (see smallest_window). With `feathered`, the middle half of each overlap is a ramp, else the
/// kept parts only touch.
std::vector<AxisTile> plan_axis(int length, int window, int count, int alignment, bool feathered);

/// The smallest window, a multiple of `alignment`, with which `count` tiles cover `length` with
/// `overlap` pixels of context on each inner side. At most `length`.
int smallest_window(int length, int count, int overlap, int alignment);

/// A grid of equal windows.
struct Grid {
  int window_height = 0;
  int window_width = 0;
  int rows = 1;
  int columns = 1;
};

/// The grid with the least work among those whose window has at most `max_pixels` pixels and is at
/// most `max_width` wide and `max_height` high; rows == 0 if there is none.
Grid plan_grid(int height, int width, int overlap, int alignment, std::int64_t max_pixels,
               int max_width, int max_height);

}  // namespace chiaro::restore
