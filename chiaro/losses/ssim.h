#pragma once

#include <ATen/core/Tensor.h>

namespace chiaro::losses {

/// 1 − SSIM, averaged over pixels, channels and batch: Gaussian window 11×11 with σ = 1.5, K1 =
/// 0.01, K2 = 0.03, range 1, only windows that lie inside the picture (Wang et al. 2004,
/// doi:10.1109/TIP.2003.819861). In [0, 2], 0 for equal pictures. output, target: (N,C,H,W) with
/// sides of at least 11. Returns a 0-dim tensor, at least float32. Errors: Internal, see Pair.
at::Tensor ssim(const at::Tensor& output, const at::Tensor& target);

}  // namespace chiaro::losses
