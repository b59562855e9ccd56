// Layers that many networks begin with.
#pragma once

#include <ATen/ATen.h>
#include <torch/nn/modules/conv.h>

#include <cstdint>

namespace chiaro::nn {

/// 3×3 convolution that keeps height and width, (N,in,H,W) → (N,out,H,W).
inline torch::nn::Conv2d conv3x3(std::int64_t in, std::int64_t out) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 3).padding(1));
}

/// 1×1 convolution, (N,in,H,W) → (N,out,H,W).
inline torch::nn::Conv2d pointwise(std::int64_t in, std::int64_t out) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 1));
}

/// Every channel of every sample (N,C,H,W) to mean 0 and variance 1 over its places.
inline at::Tensor instance_norm(const at::Tensor& x) {
  return at::instance_norm(x, {}, {}, {}, {}, /*use_input_stats=*/true, 0.1, 1e-5, false);
}

/// Rows (N,D) at length 1; rows of zeros stay near zero.
inline at::Tensor unit_rows(const at::Tensor& rows) {
  return rows / (rows.square().sum(1, /*keepdim=*/true) + 1e-12).sqrt();
}

}  // namespace chiaro::nn
