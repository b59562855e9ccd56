// From features of a picture to its code.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <cstdint>

namespace chiaro::networks {

/// Layer normalisation, linear, GELU, linear, division by the norm.
class CodeHead : public torch::nn::Module {
 public:
  /// in: features of a picture; hidden: width between the layers; dimension: D of the code. Weights
  /// are drawn from torch's default generator.
  CodeHead(std::int64_t in, std::int64_t hidden, std::int64_t dimension);

  /// (N,in) float32 → (N,D) float32, rows of length 1; without autocast, also where it is on.
  at::Tensor forward(const at::Tensor& features);

 private:
  torch::nn::LayerNorm norm_;
  torch::nn::Linear first_;
  torch::nn::Linear second_;
};

}  // namespace chiaro::networks
