#include "tests/freeze/run_onnx.h"

#include <ATen/Functions.h>

#include <cstring>
#include <openvino/openvino.hpp>
#include <string>

namespace chiaro::test {

struct OnnxGraph::State {
  ov::Core core;
  ov::CompiledModel compiled;
};

OnnxGraph::OnnxGraph(std::span<const std::byte> file) : state_(std::make_unique<State>()) {
  const std::string text(reinterpret_cast<const char*>(file.data()), file.size());
  state_->compiled = state_->core.compile_model(
      state_->core.read_model(text, ov::Tensor()), std::string("CPU"),
      ov::hint::inference_precision(ov::element::f32), ov::inference_num_threads(1));
}

OnnxGraph::~OnnxGraph() = default;

at::Tensor OnnxGraph::run(const at::Tensor& input) const {
  const at::Tensor values = input.contiguous();
  ov::Shape shape(values.sizes().begin(), values.sizes().end());
  ov::Tensor in(ov::element::f32, shape);
  std::memcpy(in.data(), values.data_ptr(), values.nbytes());
  ov::InferRequest request = state_->compiled.create_infer_request();
  request.set_tensor(std::string("input"), in);
  request.infer();
  const ov::Tensor out = request.get_tensor(std::string("output"));
  const ov::Shape out_shape = out.get_shape();
  const std::vector<std::int64_t> sides(out_shape.begin(), out_shape.end());
  at::Tensor result = at::empty(sides, at::kFloat);
  std::memcpy(result.data_ptr(), out.data(), result.nbytes());
  return result;
}

}  // namespace chiaro::test
