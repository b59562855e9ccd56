#pragma once

#include <ATen/core/Tensor.h>

namespace chiaro::losses {

/// L1 between spectra: the mean absolute difference of the real and imaginary parts of the
/// orthonormal two-dimensional Fourier transform, over the half spectrum that describes a real
/// picture (the term of Cho et al. 2021, arXiv:2108.05054, with an orthonormal transform so that
/// its size does not depend on the crop's). output, target: (N,C,H,W). Returns a 0-dim tensor, at
/// least float32. Errors: Internal, see Pair.
at::Tensor frequency(const at::Tensor& output, const at::Tensor& target);

}  // namespace chiaro::losses
