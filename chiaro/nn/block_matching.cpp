#include "chiaro/nn/block_matching.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/nn/draw_distinct.h"

namespace chiaro::nn {
namespace {

struct Range {
  std::int64_t begin;
  std::int64_t end;  // exclusive
  std::int64_t length() const { return end - begin; }
};

Range references(std::int64_t side, std::int64_t patch) {
  if (side >= 2 * patch) return {patch, side - patch + 1};
  return {patch / 2, side - patch / 2};
}

/// Where the window would leave the picture it ends at the last patch but one.
Range candidates(std::int64_t side, std::int64_t reference, const BlockMatching& options) {
  const std::int64_t half = options.patch_px / 2;
  const std::int64_t reach = options.window_px / 2;
  return {std::max(half, reference - reach), std::min(side - half, reference + reach)};
}

std::int64_t shortest(std::int64_t side, const BlockMatching& options) {
  if (options.match == Match::Random) return std::max<std::int64_t>(0, side - options.patch_px);
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  const Range range = references(side, options.patch_px);
  for (std::int64_t r = range.begin; r < range.end; ++r)
    least = std::min(least, candidates(side, r, options).length());
  return range.length() > 0 ? least : 0;
}

void check_room(std::int64_t height, std::int64_t width, const BlockMatching& options) {
  CHIARO_CHECK(std::min(height, width) > options.patch_px, Usage,
               "[nn.block_matching] a picture has no room for patches; got {}x{} px and patches of "
               "{} px; expected larger crops or a smaller patch_px",
               height, width, options.patch_px);
  const std::int64_t fewest = fewest_candidates(height, width, options);
  CHIARO_CHECK(
      options.count <= fewest, Usage,
      "[nn.block_matching] too few candidates; got {} wanted places where a picture of "
      "{}x{} px with patches of {} px and a window of {} px has {}; expected larger crops, "
      "a larger window_px or fewer places",
      options.count, height, width, options.patch_px, options.window_px, fewest);
}

/// Squared distances of all candidates' patches to the reference's: (rows, columns).
at::Tensor distances(const at::Tensor& guide, const BlockMatching& options,
                     const Reference& reference, const Range& rows, const Range& columns) {
  const std::int64_t patch = options.patch_px;
  const std::int64_t half = patch / 2;
  const auto region = guide.slice(1, rows.begin - half, rows.end - 1 + half)
                          .slice(2, columns.begin - half, columns.end - 1 + half);
  const auto wanted = guide.slice(1, reference.row - half, reference.row + half)
                          .slice(2, reference.column - half, reference.column + half);
  at::Tensor sum = at::zeros({rows.length(), columns.length()}, guide.options());
  // One channel at a time: the patches of all together would be patch² times the window.
  for (std::int64_t c = 0; c < guide.size(0); ++c) {
    const auto patches = region[c].unfold(0, patch, 1).unfold(1, patch, 1);
    sum += (patches - wanted[c]).square().sum({2, 3});
  }
  return sum;
}

/// The first `count` of the places in this order that keep the spacing.
at::Tensor spread_out(const at::Tensor& ordered, const BlockMatching& options) {
  if (options.spacing_px <= 0) return ordered.slice(0, 0, options.count).clone();
  const auto on_host = ordered.to(at::kCPU).contiguous();
  const auto list = on_host.accessor<std::int64_t, 2>();
  std::vector<std::int64_t> kept;
  for (std::int64_t i = 0;
       i < list.size(0) && static_cast<std::int64_t>(kept.size()) < options.count; ++i) {
    const bool free = std::ranges::all_of(kept, [&](std::int64_t k) {
      return std::max(std::abs(list[i][0] - list[k][0]), std::abs(list[i][1] - list[k][1])) >=
             options.spacing_px;
    });
    if (free) kept.push_back(i);
  }
  return on_host.index_select(0, at::tensor(kept, at::kLong)).to(ordered.device());
}

}  // namespace

std::int64_t fewest_candidates(std::int64_t height, std::int64_t width,
                               const BlockMatching& options) {
  return shortest(height, options) * shortest(width, options);
}

Reference draw_reference(std::int64_t height, std::int64_t width, const BlockMatching& options,
                         Rng& rng) {
  check_room(height, width, options);
  const Range rows = references(height, options.patch_px);
  const Range columns = references(width, options.patch_px);
  const std::int64_t row = rng.integer(rows.begin, rows.end - 1);
  return {row, rng.integer(columns.begin, columns.end - 1)};
}

Places match_blocks(const at::Tensor& guide, const BlockMatching& options,
                    const Reference& reference) {
  CHIARO_CHECK(guide.dim() == 3 && options.patch_px >= 2 && options.patch_px % 2 == 0, Internal,
               "[nn.match_blocks] expected a guide (C,H,W) and an even side of patches");
  const std::int64_t height = guide.size(1);
  const std::int64_t width = guide.size(2);
  check_room(height, width, options);
  const std::int64_t half = options.patch_px / 2;
  CHIARO_CHECK(reference.row >= half && reference.row <= height - half &&
                   reference.column >= half && reference.column <= width - half,
               Internal, "[nn.match_blocks] the reference ({}, {}) has no patch", reference.row,
               reference.column);
  const c10::NoGradGuard no_grad;
  const Range rows = candidates(height, reference.row, options);
  const Range columns = candidates(width, reference.column, options);
  at::Tensor distance = distances(guide.detach(), options, reference, rows, columns);
  const std::int64_t row = reference.row - rows.begin;
  const std::int64_t column = reference.column - columns.begin;
  if (row < rows.length() && column < columns.length()) distance[row][column] = -1;  // comes first
  const bool descending = options.match == Match::Farthest;
  const auto order = std::get<1>(at::sort(distance.flatten(), /*stable=*/true, 0, descending));
  const auto centres = at::stack({order.div(columns.length(), "floor") + rows.begin,
                                  order.remainder(columns.length()) + columns.begin},
                                 1);
  return {spread_out(centres, options), height, width};
}

Places sample_places(const at::Tensor& guide, const BlockMatching& options, Rng& rng) {
  const std::int64_t height = guide.size(-2);
  const std::int64_t width = guide.size(-1);
  if (options.match != Match::Random)
    return match_blocks(guide, options, draw_reference(height, width, options, rng));
  check_room(height, width, options);
  const std::int64_t half = options.patch_px / 2;
  const std::int64_t columns = width - options.patch_px;
  const auto numbers = draw_distinct((height - options.patch_px) * columns, options.count, rng);
  at::Tensor centres = at::empty({options.count, 2}, at::kLong);
  auto place = centres.accessor<std::int64_t, 2>();
  for (std::int64_t k = 0; k < options.count; ++k) {
    const std::int64_t number = numbers[static_cast<std::size_t>(k)];
    place[k][0] = half + number / columns;
    place[k][1] = half + number % columns;
  }
  return {centres.to(guide.device()), height, width};
}

at::Tensor vectors_at(const at::Tensor& map, const Places& places) {
  CHIARO_CHECK(map.dim() == 3 && places.height > 0 && places.width > 0, Internal,
               "[nn.vectors_at] expected a map (C,h,w) and places in a picture");
  const auto row = (places.centres.select(1, 0) * map.size(1)).div(places.height, "floor");
  const auto column = (places.centres.select(1, 1) * map.size(2)).div(places.width, "floor");
  const auto cell = row * map.size(2) + column;
  return map.flatten(1).index_select(1, cell).t();
}

}  // namespace chiaro::nn
