// Initial weights of convolutions, drawn from torch's default generator.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/modules/conv.h>

#include <cstdint>

namespace chiaro::nn {

/// He initialisation by fan-in (He et al. 2015): weights normal with deviation gain/√fan_in, biases
/// 0. gain √2 keeps the variance through a following ReLU, 1 through a linear layer, 0 makes the
/// layer's output zero.
void init_conv(torch::nn::Conv2dImpl& conv, double gain);

/// A convolution with an odd square kernel, (N,in,H,W) → (N,out,⌈H/stride⌉,⌈W/stride⌉), whose
/// weights suit a ReLU behind it: gain √2.
torch::nn::Conv2d he_conv(std::int64_t in, std::int64_t out, std::int64_t kernel,
                          std::int64_t stride = 1);

/// The same for a transposed convolution with kernel = stride: every output sub-pixel starts with
/// the same kernel, so that an untrained layer shows no checkerboard (Aitken et al. 2017,
/// arXiv:1707.02937).
void init_upsampling(torch::nn::ConvTranspose2dImpl& conv, double gain);

}  // namespace chiaro::nn
