// Runs an ONNX file in OpenVINO, in float32.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <memory>
#include <span>

namespace chiaro::test {

/// A graph made ready once, for several pictures.
class OnnxGraph {
 public:
  explicit OnnxGraph(std::span<const std::byte> file);
  ~OnnxGraph();
  OnnxGraph(const OnnxGraph&) = delete;
  OnnxGraph& operator=(const OnnxGraph&) = delete;
  at::Tensor run(const at::Tensor& input) const;  ///< float32 → float32

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace chiaro::test
