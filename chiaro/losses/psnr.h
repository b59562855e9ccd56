#pragma once

#include <ATen/core/Tensor.h>

namespace chiaro::losses {

/// The negative PSNR in dB, for peak 1, averaged over the batch: mean over n of 10·log10(MSE_n +
/// 1e-8) (Chen et al. 2022, arXiv:2204.04676). Never below −80. output, target: (N,C,H,W). Returns
/// a 0-dim tensor, at least float32. Errors: Internal, see Pair.
at::Tensor psnr(const at::Tensor& output, const at::Tensor& target);

}  // namespace chiaro::losses
