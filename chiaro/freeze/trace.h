// From a network to the list of operators it executes.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <functional>

#include "chiaro/freeze/traced_graph.h"

namespace chiaro::freeze {

/// (N,C,H,W) → (N,C',H',W').
using Forward = std::function<at::Tensor(const at::Tensor&)>;

/// Runs `forward` at nine small sizes (sides multiples of alignment_px) and records what it does,
/// so that the graph holds for every size: numbers that vary between the runs become formulas of
/// batch, height and width. Parameters and buffers of `module` keep their names. Runs in evaluation
/// mode without gradients; mode and gradients are restored. Letters: C = channels of the input.
/// Errors: Usage (a module not on the CPU in float32, an operator that differs between sizes, a
/// number that is no formula of the size).
TracedGraph trace(torch::nn::Module& module, const Forward& forward, std::int64_t channels,
                  std::int64_t alignment_px);

/// The element type and bytes of a tensor. Errors: Usage for types other than float32, int64 and
/// bool.
OnnxTensor to_onnx_tensor(const at::Tensor& tensor, std::string name);

/// Parameters and buffers with their names; of several names for one tensor only the first.
std::vector<std::pair<std::string, at::Tensor>> named_state(const torch::nn::Module& module);

}  // namespace chiaro::freeze
