#pragma once

#include <ATen/core/Tensor.h>

namespace chiaro::losses {

/// Charbonnier loss (ε = 1e-3) between the Laplacians (four neighbours minus four times the centre)
/// of output and target, over the pixels with four neighbours: weighs edges and fine texture, blind
/// to a shift in brightness (idea: Zamir et al. 2021, arXiv:2102.02808). output, target: (N,C,H,W)
/// with sides of at least 3. Returns a 0-dim tensor, at least float32. Errors: Internal, see Pair.
at::Tensor edge(const at::Tensor& output, const at::Tensor& target);

}  // namespace chiaro::losses
