#include "chiaro/freeze/trace.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/conv.h>

#include "tests/support/expect_error.h"

namespace chiaro::freeze::trace_test {
namespace {

using at::Tensor;

TEST(Trace, NumbersThatVaryBecomeFormulas) {
  torch::nn::Module none;
  const auto graph = trace(
      none,
      [](const Tensor& x) {
        return x.reshape({x.size(0) * x.size(2) / 4, -1, x.size(3) + 0});
      },
      3, 4);
  const auto& shape = graph.tensors[graph.outputs.front().id.index].shape;
  EXPECT_EQ(shape[0].text(), "N·H/4");
  EXPECT_EQ(shape[1].text(), "12");
  EXPECT_EQ(shape[2].text(), "W");
}

TEST(Trace, RunsFewPixelsWhereTheGridIsCoarse) {
  torch::nn::Module none;
  std::int64_t squares = 0;
  const auto graph = trace(
      none,
      [&](const Tensor& x) {
        EXPECT_EQ(x.size(2) % 128, 0);
        EXPECT_EQ(x.size(3) % 128, 0);
        squares += x.size(0) * x.size(2) * x.size(3) / (128 * 128);
        return x.reshape({x.size(0), 3, x.size(2) / 128, 128, x.size(3) / 128, 128})
            .permute({0, 2, 4, 1, 3, 5})
            .reshape({-1, 3, 128, 128});
      },
      3, 128);
  const auto& shape = graph.tensors[graph.outputs.front().id.index].shape;
  EXPECT_EQ(shape[0].text(), "N·H·W/16384");
  EXPECT_EQ(squares, (2 + 3) * (1 + 2) * (2 + 3) + 3);
}

TEST(Trace, RefusesOperatorsThatDifferBetweenSizes) {
  torch::nn::Module none;
  const auto forward = [](const Tensor& x) {
    return x.size(2) > 20 ? at::relu(x) : at::sigmoid(x);
  };
  EXPECT_CHIARO_ERROR(trace(none, forward, 3, 4), Usage, "depends on the size of the picture");
}

TEST(Trace, RefusesNumbersThatAreNoFormula) {
  torch::nn::Module none;
  const auto forward = [](const Tensor& x) { return at::slice(x, 2, 0, (x.size(2) + 1) / 3); };
  EXPECT_CHIARO_ERROR(trace(none, forward, 3, 4), Usage, "no product or quotient");
}

TEST(Trace, RefusesTablesThatDependOnTheSize) {
  torch::nn::Module none;
  const auto forward = [](const Tensor& x) { return x * (1.0 / static_cast<double>(x.size(2))); };
  EXPECT_CHIARO_ERROR(trace(none, forward, 3, 4), Usage, "a constant depends on the size");
}

struct Nested : torch::nn::Module {
  Nested() {
    inner = register_module("inner", torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 3, 1)));
    unused = register_parameter("unused", at::ones({2}));
    steps = register_buffer("steps", at::zeros({}, at::kLong));
  }
  torch::nn::Conv2d inner{nullptr};
  Tensor unused, steps;
};

TEST(Trace, KeepsEveryParameterAndBufferUsedOrNot) {
  Nested module;
  const auto graph = trace(
      module, [&](const Tensor& x) { return module.inner->forward(x) * 2; }, 3, 1);
  std::vector<std::string> names;
  for (const auto& weight : graph.weights) names.push_back(weight.name);
  EXPECT_EQ(names, (std::vector<std::string>{"unused", "inner.weight", "inner.bias", "steps"}));
  EXPECT_EQ(graph.nodes[0].place, "inner");
}

TEST(Trace, RestoresModesPartByPart) {
  Nested module;
  module.train();
  module.inner->eval();
  module.unused.set_requires_grad(false);
  trace(
      module, [&](const Tensor& x) { return module.inner->forward(x); }, 3, 1);
  EXPECT_TRUE(module.is_training());
  EXPECT_FALSE(module.inner->is_training());
  EXPECT_FALSE(module.unused.requires_grad());
  EXPECT_TRUE(module.inner->weight.requires_grad());
}

TEST(Trace, RestoresModesAfterAnError) {
  Nested module;
  module.train();
  const auto forward = [&](const Tensor& x) -> Tensor {
    if (x.size(2) > 20) fail(ErrorCode::Usage, "planted");
    return module.inner->forward(x);
  };
  EXPECT_CHIARO_ERROR(trace(module, forward, 3, 1), Usage, "planted");
  EXPECT_TRUE(module.is_training());
  EXPECT_TRUE(module.inner->weight.requires_grad());
  // The tracer is off again: this would otherwise be recorded.
  EXPECT_NO_THROW(trace(
      module, [&](const Tensor& x) { return module.inner->forward(x); }, 3, 1));
}

TEST(Trace, RefusesOtherElementTypes) {
  Nested module;
  module.to(at::kDouble);
  EXPECT_CHIARO_ERROR(trace(
                          module, [&](const Tensor& x) { return x; }, 3, 1),
                      Usage, "expected float32");
}

}  // namespace
}  // namespace chiaro::freeze::trace_test
