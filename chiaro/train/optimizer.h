// What moves the weights: optimisers, and the bound on the gradient.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/optim/optimizer.h>

#include <memory>
#include <string>
#include <vector>

namespace chiaro::train {

struct OptimizerOptions {
  std::string kind = "adamw";  ///< or "adam"
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double weight_decay = 0;  ///< of weights with two dimensions or more; biases and scalars are not
};

/// libtorch's update and state, but for rounding, in one pass over the weights of a group
/// (at::_fused_adam_, at::_fused_adamw_), on CPU and CUDA.
std::unique_ptr<torch::optim::Optimizer> make_optimizer(const std::vector<at::Tensor>& weights,
                                                        const OptimizerOptions& options);

/// Scales the gradients so that their joint Euclidean norm is at most `limit`, or leaves them
/// alone where limit <= 0. Returns the norm that they had.
double clip_gradients(const std::vector<at::Tensor>& weights, double limit);

}  // namespace chiaro::train
