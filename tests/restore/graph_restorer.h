// Restorers of the tiny graphs, and how far apart two results are.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>

#include "chiaro/engine/engine.h"
#include "chiaro/image/image.h"
#include "chiaro/restore/restorer.h"
#include "tests/support/graph_bundle.h"

namespace chiaro::restore {

/// In float32, whatever the processor.
inline Restorer restorer_of(const std::string& graph) {
  return Restorer(test::graph_bundle(graph), {"auto", engine::Precision::F32, 2});
}

/// Of any two values at the same place.
inline double largest_difference(const image::Image& left, const image::Image& right) {
  EXPECT_EQ(left.height(), right.height());
  EXPECT_EQ(left.width(), right.width());
  EXPECT_EQ(left.channels(), right.channels());
  if (left.pixels().size() != right.pixels().size()) return std::numeric_limits<double>::infinity();
  double largest = 0;
  for (std::size_t i = 0; i < left.pixels().size(); ++i)
    largest = std::max(largest, std::abs(double{left.pixels()[i]} - double{right.pixels()[i]}));
  return largest;
}

}  // namespace chiaro::restore
