// Difference of pictures, octave by octave.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace chiaro::losses {

/// Mean absolute difference in the bands of a Laplacian pyramid, summed over bands; it stands where
/// a publication compares features of a pretrained network that is not at hand:
///
///   d_0 = output − target,  d_{k+1} = d_k averaged over 2×2,  L = Σ_{k<n} |d_k − up(d_{k+1})| +
///   |d_n|,   |·| the mean over all values, up: every value four times
///
/// output, target: (N,C,H,W), n = `octaves` or as many as sides that stay even allow. Returns a
/// 0-dim tensor, at least float32. A constant difference c gives |c|. Errors: Internal (shapes).
at::Tensor pyramid_l1(const at::Tensor& output, const at::Tensor& target, std::int64_t octaves = 4);

}  // namespace chiaro::losses
