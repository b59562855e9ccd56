// From a network to the list of operators it executes.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <functional>

#include "chiaro/freeze/traced_graph.h"

namespace chiaro::freeze {

/// What a graph takes: a name and sides, each a number or the batch, height or width of the
/// picture.
struct InputPort {
  std::string name;
  std::vector<Extent> shape;
};

/// Tensors in the order of the inputs → tensors in the order of the outputs' names.
using Forward = std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>&)>;

/// Runs `forward` at nine small sizes (height and width multiples of alignment_px) and records what
/// it does, so that the graph holds for every size: numbers that vary between the runs become
/// formulas of batch, height and width. Parameters and buffers of `module` keep their names. Runs
/// in evaluation mode without gradients; mode and gradients are restored. Errors: Usage (a module
/// not on the CPU in float32, an operator that differs between sizes, a number that is no formula
/// of the size, a number of results other than that of the names).
TracedGraph trace(torch::nn::Module& module, const Forward& forward,
                  const std::vector<InputPort>& inputs, const std::vector<std::string>& outputs,
                  std::int64_t alignment_px);

/// The same for one picture "input" (batch,channels,height,width) → one tensor "output".
TracedGraph trace(torch::nn::Module& module,
                  const std::function<at::Tensor(const at::Tensor&)>& forward,
                  std::int64_t channels, std::int64_t alignment_px);

/// The element type and bytes of a tensor. Errors: Usage for types other than float32, int64 and
/// bool.
OnnxTensor to_onnx_tensor(const at::Tensor& tensor, std::string name);

/// Parameters and buffers with their names; of several names for one tensor only the first.
std::vector<std::pair<std::string, at::Tensor>> named_state(const torch::nn::Module& module);

}  // namespace chiaro::freeze
