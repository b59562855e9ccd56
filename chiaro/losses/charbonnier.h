#pragma once

#include <ATen/core/Tensor.h>

namespace chiaro::losses {

/// Mean of √(d² + ε²) over all differences d: L1 with a rounded tip (Charbonnier et al. 1994; Lai
/// et al. 2017, arXiv:1704.03915). Equal pictures give ε, not 0. output, target: one shape, any;
/// epsilon in units of the values. Returns a 0-dim tensor, at least float32. Errors: Usage (epsilon
/// not positive); Internal, see Pair.
at::Tensor charbonnier(const at::Tensor& output, const at::Tensor& target, double epsilon = 1e-3);

}  // namespace chiaro::losses
