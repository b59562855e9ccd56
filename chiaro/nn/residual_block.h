// The plain residual block: x + conv(relu(conv(x))).
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

namespace chiaro::nn {

/// Two 3×3 convolutions with a ReLU between them and a sum around them, without norms (the block of
/// Lim et al. 2017, arXiv:1707.02921). An engine runs it as two fused kernels. The branch starts
/// small, so a chain of blocks starts close to the identity.
class ResidualBlockImpl : public torch::nn::Module {
 public:
  explicit ResidualBlockImpl(std::int64_t channels);

  /// (N,channels,H,W) → the same shape.
  at::Tensor forward(const at::Tensor& x);

 private:
  torch::nn::Conv2d conv1_;
  torch::nn::Conv2d conv2_;
};
TORCH_MODULE(ResidualBlock);

}  // namespace chiaro::nn
