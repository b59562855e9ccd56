// Where tiles lie. Pure geometry on the input with what is mirrored around it, whose sides are
// multiples of the network's alignment.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
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

/// One side of a picture with what is mirrored around it: at least `after` pixels behind, and more
/// until the whole is a multiple of the alignment. Positions count from the picture's first pixel,
/// so those in front of it are negative.
struct Axis {
  int length = 0;
  int before = 0;
  int after = 0;
  int alignment = 1;

  constexpr int padded() const { return round_up(before + length + after, alignment); }
};

/// One tile along one axis. The network sees [window_begin, window_begin + window); of its result,
/// [keep_begin, keep_end) is used. Where the ramps are not empty, neighbours are blended: the first
/// `ramp_before` pixels of the kept part belong to the previous tile too, the last `ramp_after` to
/// the next. All in input pixels; the kept parts of the first and the last tile reach over what is
/// mirrored.
struct AxisTile {
  int window_begin = 0;
  int keep_begin = 0;
  int keep_end = 0;
  int ramp_before = 0;
  int ramp_after = 0;
};

/// Covers the padded axis with `count` windows of one size, evenly. Windows begin at multiples of
/// the alignment from its begin; a window is such a multiple, and the windows must overlap by
/// 2 * overlap, another one (see smallest_window). With `feathered`, the middle half of each
/// overlap is a ramp, else the kept parts only touch.
std::vector<AxisTile> plan_axis(const Axis& axis, int window, int count, bool feathered);

/// The smallest window, a multiple of `alignment`, with which `count` tiles cover `length` with
/// `overlap` pixels of context on each inner side. At most `length`.
int smallest_window(int length, int count, int overlap, int alignment);

/// The side below which no tile of several may be: it holds its overlaps, or all that is mirrored
/// beyond an end of the axis, and something more.
constexpr int smallest_tile(const Axis& axis, int overlap) {
  return 2 *
         (round_up(std::max({overlap, axis.before, axis.after}), axis.alignment) + axis.alignment);
}

/// A grid of equal windows.
struct Grid {
  int window_height = 0;
  int window_width = 0;
  int rows = 1;
  int columns = 1;
};

/// The grid with the least work among those that fit and whose windows are at most `max_width` wide
/// and `max_height` high; rows == 0 if there is none. What fits must still fit with narrower
/// windows.
Grid plan_grid(const Axis& rows, const Axis& columns, int overlap, int max_width, int max_height,
               const std::function<bool(const Grid&)>& fits);

/// The same where windows fit that have at most `max_pixels` pixels.
Grid plan_grid(const Axis& rows, const Axis& columns, int overlap, std::int64_t max_pixels,
               int max_width, int max_height);

}  // namespace chiaro::restore
