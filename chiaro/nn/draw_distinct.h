// Draws without repetition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/base/rng.h"

namespace chiaro::nn {

/// `count` of the numbers 0 … total − 1, each at most once, in random order: the first steps of a
/// Fisher–Yates shuffle, one draw of `rng` for each number. 0 <= count <= total.
inline std::vector<std::int64_t> draw_distinct(std::int64_t total, std::int64_t count, Rng& rng) {
  CHIARO_CHECK(0 <= count && count <= total, Internal,
               "[nn.draw_distinct] got {} of {} numbers; expected no more than there are", count,
               total);
  std::vector<std::int64_t> order(static_cast<std::size_t>(total));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t other = rng.integer(i, total - 1);
    std::swap(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(other)]);
  }
  order.resize(static_cast<std::size_t>(count));
  return order;
}

}  // namespace chiaro::nn
