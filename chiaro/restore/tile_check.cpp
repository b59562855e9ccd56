#include "chiaro/restore/tile_check.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/restore/tiling.h"

namespace chiaro::restore {
namespace {

constexpr int kProbeSidePx = 32;
constexpr int kMostProbes = 16;

/// Positions between the tiles along one axis.
std::vector<int> borders(const Axis& axis, int window, int count) {
  std::vector<int> result;
  for (const AxisTile& tile : plan_axis(axis, window, count, false)) {
    if (tile.keep_begin > 0 && tile.keep_begin < axis.length) result.push_back(tile.keep_begin);
  }
  return result;
}

/// The middles between neighbouring positions, the ends of the axis included.
std::vector<int> middles(const std::vector<int>& positions, int length) {
  std::vector<int> result;
  int last = 0;
  for (const int position : positions) {
    result.push_back((last + position) / 2);
    last = position;
  }
  result.push_back((last + length) / 2);
  return result;
}

Region window_at(int y, int x, int height, int width, int side) {
  const int h = std::min(side, height);
  const int w = std::min(side, width);
  return {std::clamp(x - w / 2, 0, width - w), std::clamp(y - h / 2, 0, height - h), w, h};
}

/// Notes the largest difference between `again` and that region of `result`, as the network knows
/// them.
void compare(const image::Image& result, const image::Image& again, const Region& region,
             const RangeCurve& curve, TileCheck& check) {
  for (int channel = 0; channel < again.channels(); ++channel) {
    for (int y = 0; y < again.height(); ++y) {
      for (int x = 0; x < again.width(); ++x) {
        const float first = result.at(channel, region.y + y, region.x + x);
        const float second = again.at(channel, y, x);
        const auto known = [&curve](float value) {
          return double{curve.bends() ? curve.shown(value) : value};
        };
        const double difference = std::abs(known(second) - known(first));
        if (difference <= check.largest_difference) continue;
        check.largest_difference = difference;
        check.x = region.x + x;
        check.y = region.y + y;
      }
    }
  }
}

}  // namespace

double tile_bound(engine::Precision precision) {
  return precision == engine::Precision::Bf16 ? kTileBoundBf16 : kTileBoundF32;
}

std::vector<Region> border_windows(int height, int width, const RestorePlan& plan,
                                   const bundle::Manifest& manifest, int side, int most) {
  const Margin margin = margin_of(manifest, height, width);
  const auto rows = borders(Axis{height, margin.top, margin.bottom, manifest.alignment_px},
                            plan.window_height_px, plan.rows);
  const auto columns = borders(Axis{width, margin.left, margin.right, manifest.alignment_px},
                               plan.window_width_px, plan.columns);
  std::vector<std::pair<int, int>> centres;
  for (const int y : rows) {
    for (const int x : columns) centres.emplace_back(y, x);
  }
  for (const int y : rows) {
    for (const int x : middles(columns, width)) centres.emplace_back(y, x);
  }
  for (const int x : columns) {
    for (const int y : middles(rows, height)) centres.emplace_back(y, x);
  }
  std::vector<Region> windows;
  const std::size_t count = std::min(centres.size(), static_cast<std::size_t>(most));
  for (std::size_t i = 0; i < count; ++i) {
    const auto& [y, x] = centres[i * centres.size() / count];
    windows.push_back(window_at(y, x, height, width, side));
  }
  return windows;
}

TileCheck check_tiles(Restorer& restorer, image::Image source, const image::Image& result,
                      const RestorePlan& plan, const RestoreOptions& options,
                      const ProgressCallback& progress) {
  TileCheck check{.tiles = plan.tiles()};
  const bundle::Manifest& manifest = restorer.manifest();
  if (plan.tiles() == 1 || options.strength == 0) return check;
  if (options.max_memory_bytes > 0) restorer.release_memory();  // what the tiles were run in
  RestoreOptions untiled = for_parts_of(source, restorer, options);
  if (!untiled.range) untiled.range = range_of(source);
  const RangeCurve curve(*untiled.range);
  untiled.overlap_px = -1;
  untiled.tile_px = std::numeric_limits<int>::max();  // no memory limit but the one that is set
  untiled.max_window_pixels = 0;
  if (manifest.global_statistics) {
    const image::Image again = restorer.restore(std::move(source), untiled, progress);
    check.probes = 1;
    compare(result, again, {0, 0, again.width(), again.height()}, curve, check);
    return check;
  }
  const auto windows =
      border_windows(source.height(), source.width(), plan, manifest, kProbeSidePx, kMostProbes);
  Parts parts(restorer, std::move(source), windows, untiled);
  // Colours are compared; under transparency those that were put back are the same as here.
  if (options.alpha != AlphaMode::Keep) parts.leave_alpha_out();
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const Region& window = windows[i];
    const auto done = static_cast<double>(i);
    const auto share = [&](double part) {
      return !progress || progress((done + part) / static_cast<double>(windows.size()));
    };
    const image::Image again = parts.restore(i, share);
    compare(result, again,
            {window.x * manifest.scale, window.y * manifest.scale, again.width(), again.height()},
            curve, check);
    ++check.probes;
  }
  return check;
}

}  // namespace chiaro::restore
