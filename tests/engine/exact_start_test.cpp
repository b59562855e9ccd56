#include "chiaro/engine/exact_start.h"

#include <gtest/gtest.h>

#include <map>
#include <openvino/core/node.hpp>
#include <string>
#include <vector>

#include "chiaro/base/rng.h"
#include "chiaro/engine/engine.h"
#include "chiaro/engine/graph_reader.h"
#include "chiaro/engine/processor.h"
#include "tests/support/graph_bundle.h"

// What reads the marks; as undeclared as what sets them.
namespace ov {
OPENVINO_API bool is_conversion_disabled(const std::shared_ptr<const Node>& node,
                                         const element::Type& to);
}

namespace chiaro::engine::exact_start_test {
namespace {

using Marks = std::vector<bool>;

/// Of the nodes of each type, in the order in which they are computed: which stay in float32.
std::map<std::string, Marks> marks_of(const std::string& name) {
  const auto graph = read_onnx(test::graph_bytes(name), name);
  keep_start_exact(*graph);
  std::map<std::string, Marks> marks;
  for (const auto& node : graph->get_ordered_ops())
    marks[node->get_type_name()].push_back(ov::is_conversion_disabled(node, ov::element::f16));
  return marks;
}

NamedTensors picture_and_condition() {
  Rng rng(6);
  NamedTensors inputs{{"input", {{1, 3, 24, 32}, {}}}, {"condition", {{1, 8}, {}}}};
  for (int i = 0; i < 3 * 24 * 32; ++i)
    inputs["input"].values.push_back(static_cast<float>(rng.uniform()));
  for (int i = 0; i < 8; ++i)
    inputs["condition"].values.push_back(static_cast<float>(rng.uniform()));
  return inputs;
}

std::vector<float> output_in(Precision precision, const std::string& graph) {
  Engine engine(test::graph_bytes(graph), {.precision = precision, .threads = 1}, graph);
  return engine.run_by_name(picture_and_condition()).at("output").values;
}

TEST(ExactStart, OfThePictureItGoesUpToTheSecondConvolution) {
  auto marks = marks_of("stack");
  EXPECT_EQ(marks["Convolution"], (Marks{true, false, false}));
  EXPECT_EQ(marks["Relu"], (Marks{true, false}));
}

// However many products of matrices there are: `modulated` has two, `film` one between
// convolutions.
TEST(ExactStart, WhatIsMadeOfTheConditionAloneStaysExact) {
  auto marks = marks_of("modulated");
  EXPECT_EQ(marks["MatMul"], (Marks{true, true}));
  EXPECT_EQ(marks["Relu"], (Marks{true}));
  EXPECT_EQ(marks["Convolution"], (Marks{true}));
  EXPECT_EQ(marks["Multiply"], (Marks{true}));
  marks = marks_of("film");
  EXPECT_EQ(marks["MatMul"], (Marks{true}));
  EXPECT_EQ(marks["Convolution"], (Marks{true, false}));
}

// All of `told` and `modulated` is start, so nothing is rounded.
TEST(ExactStart, InBf16TheConditionIsNotRounded) {
  if (!has_bf16()) GTEST_SKIP() << "no bfloat16 here";
  for (const char* graph : {"told", "modulated"})
    EXPECT_EQ(output_in(Precision::Bf16, graph), output_in(Precision::F32, graph)) << graph;
}

}  // namespace
}  // namespace chiaro::engine::exact_start_test
