// The block of NAFNet and its parts: a convolution block without activation functions (Chen, Chu,
// Zhang, Sun, "Simple Baselines for Image Restoration", 2022, arXiv:2204.04676).
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

namespace chiaro::nn {

/// Layer norm over the channels of each pixel, with weight and bias per channel (ε = 1e-6). Without
/// gradient it is plain arithmetic in float32, which is what a frozen graph holds: runtimes turn
/// the operator, which norms the last side, into copies of other layouts, half the time of a
/// nafnet.
class LayerNorm2dImpl : public torch::nn::Module {
 public:
  explicit LayerNorm2dImpl(std::int64_t channels);

  /// (N,channels,H,W) → the same shape.
  at::Tensor forward(const at::Tensor& x);

 private:
  std::int64_t channels_;
  at::Tensor weight_;  // (channels), starts at 1
  at::Tensor bias_;    // (channels), starts at 0
  at::Tensor ones_;    // (1,channels,1,1)
};
TORCH_MODULE(LayerNorm2d);

/// The product of the first and the second half of the channels: (N,2C,H,W) → (N,C,H,W).
at::Tensor simple_gate(const at::Tensor& x);

/// Two residual branches, scaled per channel by β and γ, which start at 0, so a new block is the
/// identity:
///
///   u  = x + β ⊙ conv3( a ⊙ sca(mean a) ),   a = gate( depthwise3×3( conv1( norm1(x) ) ) )
///   x' = u + γ ⊙ conv5( gate( conv4( norm2(u) ) ) )
///
/// sca is a 1×1 convolution of the channels' means over the whole picture, so every pixel depends
/// on all others.
class NafBlockImpl : public torch::nn::Module {
 public:
  explicit NafBlockImpl(std::int64_t channels);

  /// (N,channels,H,W) → the same shape.
  at::Tensor forward(const at::Tensor& x);

 private:
  LayerNorm2d norm1_, norm2_;
  torch::nn::Conv2d conv1_, depthwise_, sca_, conv3_, conv4_, conv5_;
  at::Tensor beta_, gamma_;  // (1,channels,1,1)
};
TORCH_MODULE(NafBlock);

}  // namespace chiaro::nn
