// Attention inside windows of a feature map (after Liu et al. 2021, "Swin Transformer",
// arXiv:2103.14030).
//
// Letters: w side of a window in pixels, T = w² tokens of a window, B windows of all pictures
// together, C channels, h heads.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

namespace chiaro::nn {

/// Cuts a map into windows: (N,H,W,C) → (B,T,C), B = N·H/w·W/w, picture by picture and row by row.
/// Errors: Usage (H or W no multiple of w).
at::Tensor to_windows(const at::Tensor& map, std::int64_t window);

/// The inverse for maps of H = height, W = width: (B,T,C) → (N,H,W,C).
at::Tensor from_windows(const at::Tensor& windows, std::int64_t window, std::int64_t height,
                        std::int64_t width);

/// softmax(Q·Kᵀ/√(C/h) + bias)·V inside every window, head by head (Vaswani et al. 2017, eq. 1).
/// query, key, value: (B,T,C), where head i owns channels i·C/h … (i+1)·C/h − 1. bias: (h,T,T) for
/// all windows, or (M,h,T,T) with one for each of a picture's M windows. Returns (B,T,C).
at::Tensor attend(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                  std::int64_t heads, const at::Tensor& bias);

/// A learnt bias for every head and every difference between the places of two tokens of a window
/// (Liu et al. 2021, eq. 4). It starts small (normal with deviation 0.02).
class RelativeBiasImpl : public torch::nn::Module {
 public:
  RelativeBiasImpl(std::int64_t window, std::int64_t heads);

  /// (h,T,T): of the row's token looking at the column's.
  at::Tensor forward();

 private:
  std::int64_t tokens_;
  at::Tensor table_;   // ((2w−1)²,h)
  at::Tensor places_;  // (T·T) int64: rows of the table
};
TORCH_MODULE(RelativeBias);

}  // namespace chiaro::nn
