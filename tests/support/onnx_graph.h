// A frozen network, run by the engine in float32, with libtorch's tensors on both sides.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstddef>
#include <span>

#include "chiaro/engine/engine.h"

namespace chiaro::test {

class OnnxGraph {
 public:
  explicit OnnxGraph(std::span<const std::byte> file)
      : engine_(file, {.precision = engine::Precision::F32, .threads = 1}, "test") {}

  /// (N,C,H,W) float32 → the graph's first output.
  at::Tensor run(const at::Tensor& input) {
    const at::Tensor values = input.contiguous();
    const float* first = values.const_data_ptr<float>();
    const auto outputs =
        engine_.run_once({values.sizes().vec(), std::vector<float>(first, first + values.numel())});
    at::Tensor result = at::empty(outputs.at(0).shape, at::kFloat);
    std::copy(outputs[0].values.begin(), outputs[0].values.end(), result.mutable_data_ptr<float>());
    return result;
  }

 private:
  engine::Engine engine_;
};

}  // namespace chiaro::test
