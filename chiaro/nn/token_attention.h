// Attention from the pixels of a feature map to a few tokens.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

#include "chiaro/nn/naf_block.h"

namespace chiaro::nn {

/// Cross-attention with queries from the pixels, keys and values from the tokens:
///
///   Q = 1×1(LN F),  K = W_k t,  V = W_v t,  A = softmax_m(Q·K_mᵀ/√d),  F' = F + 1×1₀(A·V)
///
/// The last convolution starts at zero, so a new block is the identity. Needs two or more tokens:
/// over a single one the softmax is 1 and queries and keys get no gradient.
class TokenAttentionImpl : public torch::nn::Module {
 public:
  /// Heads of width max(8, channels/(2·heads)).
  TokenAttentionImpl(std::int64_t channels, std::int64_t token_width, std::int64_t heads);

  /// features: (N,channels,H,W); tokens: (N,M,token_width) or (1,M,token_width). Returns the shape
  /// of the features. What a pixel becomes depends on that pixel and the tokens alone.
  at::Tensor forward(const at::Tensor& features, const at::Tensor& tokens);

 private:
  std::int64_t heads_;
  std::int64_t head_width_;
  LayerNorm2d norm_;
  torch::nn::Conv2d query_, out_;
  torch::nn::Linear key_, value_;
};
TORCH_MODULE(TokenAttention);

}  // namespace chiaro::nn
