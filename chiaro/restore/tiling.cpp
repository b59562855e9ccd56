#include "chiaro/restore/tiling.h"

#include <algorithm>
#include <limits>

#include "chiaro/base/error.h"

namespace chiaro::restore {
namespace {

/// All windows along an axis that are worth trying: one tile, two, three … until they cannot
/// shrink.
std::vector<std::pair<int, int>> windows_of(const Axis& axis, int overlap, int max_side) {
  const int length = axis.padded();
  std::vector<std::pair<int, int>> windows;  // count, window
  int last = std::numeric_limits<int>::max();
  const int smallest = std::min(length, smallest_tile(axis, overlap));
  for (int count = 1;; ++count) {
    const int window = std::max(smallest, smallest_window(length, count, overlap, axis.alignment));
    if (window < last && window <= max_side) windows.emplace_back(count, window);
    last = std::min(last, window);
    if (window <= smallest) return windows;
  }
}

}  // namespace

int smallest_window(int length, int count, int overlap, int alignment) {
  if (count <= 1) return length;
  const int inner = std::max(length - 2 * overlap, alignment);
  return std::min(length, round_up((inner + count - 1) / count, alignment) + 2 * overlap);
}

std::vector<AxisTile> plan_axis(const Axis& axis, int window, int count, bool feathered) {
  const int length = axis.padded();
  const int alignment = axis.alignment;
  CHIARO_CHECK(window % alignment == 0 && window <= length && count >= 1, Internal,
               "[restore.plan_axis] impossible tiles: length {}, window {}, alignment {}", length,
               window, alignment);
  std::vector<AxisTile> tiles(static_cast<std::size_t>(count));
  const std::int64_t room = (length - window) / alignment;
  for (int i = 0; i < count; ++i) {
    const std::int64_t step = count == 1 ? 0 : room * i / (count - 1);
    tiles[static_cast<std::size_t>(i)].window_begin =
        static_cast<int>(step) * alignment - axis.before;
  }
  tiles.front().keep_begin = -axis.before;
  tiles.back().keep_end = length - axis.before;
  for (std::size_t i = 1; i < tiles.size(); ++i) {
    AxisTile& before = tiles[i - 1];
    AxisTile& after = tiles[i];
    const int shared = before.window_begin + window - after.window_begin;
    CHIARO_CHECK(shared >= 0, Internal, "[restore.plan_axis] tiles leave a gap");
    const int ramp = feathered ? shared / 2 : 0;
    after.keep_begin = after.window_begin + shared / 2 - ramp / 2;
    before.keep_end = after.keep_begin + ramp;
    before.ramp_after = ramp;
    after.ramp_before = ramp;
  }
  return tiles;
}

Grid plan_grid(const Axis& rows, const Axis& columns, int overlap, int max_width, int max_height,
               const std::function<bool(const Grid&)>& fits) {
  const auto widths = windows_of(columns, overlap, max_width);
  Grid best{0, 0, 0, 0};
  double least_work = std::numeric_limits<double>::infinity();
  for (const auto& [row_count, height] : windows_of(rows, overlap, max_height)) {
    const auto grid_of = [&, count = row_count, tall = height](const auto& width) {
      return Grid{tall, width.second, count, width.first};
    };
    // More columns only add overlap: the first that fits is the best for this height.
    const auto first = std::ranges::partition_point(
        widths, [&](const auto& width) { return !fits(grid_of(width)); });
    if (first == widths.end()) continue;
    const double work = double{1} * row_count * first->first * height * first->second;
    if (work < least_work) {
      least_work = work;
      best = grid_of(*first);
    }
  }
  return best;
}

Grid plan_grid(const Axis& rows, const Axis& columns, int overlap, std::int64_t max_pixels,
               int max_width, int max_height) {
  return plan_grid(rows, columns, overlap, max_width, max_height, [&](const Grid& grid) {
    return std::int64_t{grid.window_height} * grid.window_width <= max_pixels;
  });
}

}  // namespace chiaro::restore
