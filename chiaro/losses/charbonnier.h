#pragma once

#include <ATen/core/Tensor.h>

namespace chiaro::losses {

/// Mean of √(d² + ε²) over all differences d: L1 with a rounded tip (Charbonnier et al. 1994; as
/// used by Lai et al. 2017, arXiv:1710.01992). output, target: equal shapes. Returns a 0-dim
/// tensor. epsilon > 0, in units of the values. Errors: Internal if the shapes differ.
at::Tensor charbonnier(const at::Tensor& output, const at::Tensor& target, double epsilon = 1e-3);

}  // namespace chiaro::losses
