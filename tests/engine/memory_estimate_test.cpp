#include "chiaro/engine/memory_estimate.h"

#include <gtest/gtest.h>

#include <openvino/core/partial_shape.hpp>
#include <string>

#include "chiaro/bundle/bundle.h"
#include "chiaro/engine/graph_reader.h"
#include "tests/support/graph_bundle.h"

namespace chiaro::engine::memory_estimate_test {
namespace {

constexpr double kPixels = 64 * 64;

double bytes_per_pixel(Precision precision) {
  const auto graph = read_onnx(test::graph_bytes("stack"), "stack");
  graph->reshape(ov::PartialShape{1, 3, 64, 64});
  return static_cast<double>(peak_value_bytes(*graph, precision)) / kPixels;
}

// The widest moment of `stack`: 8 channels in, 8 out, the 3 of the input kept for the skip; the
// caller's 3 of the input and of the output are held all the while.
TEST(MemoryEstimate, InFloat32EveryValueTakesFourBytes) {
  EXPECT_NEAR(bytes_per_pixel(Precision::F32), (8 + 8 + 3 + 3 + 3) * 4, 0.5);
}

// The first convolution stays in float32, and is let go when the second has its copy.
TEST(MemoryEstimate, InBfloat16TheExactStartTakesMore) {
  EXPECT_NEAR(bytes_per_pixel(Precision::Bf16), 8 * (4 + 2) + (3 + 3 + 3) * 4, 0.5);
}

// Products of matrices have work memory of their own; the network that ships has a few in its
// smallest stage.
TEST(MemoryEstimate, WhatShipsHasFewProductsOfMatrices) {
  const auto bundle =
      bundle::read_bundle(std::string(CHIARO_SOURCE_DIR) + "/models/default.chiaro");
  const auto graph = read_onnx(bundle.members.at(std::string(bundle::kRestoreMember)), "default");
  EXPECT_FALSE(facts_of(*graph).products);
}

}  // namespace
}  // namespace chiaro::engine::memory_estimate_test
