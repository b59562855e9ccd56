#pragma once

#include <ATen/core/Tensor.h>

namespace chiaro::losses {

/// Mean absolute difference over all values. output, target: one shape, any. Returns a 0-dim
/// tensor, at least float32. Errors: Internal, see Pair.
at::Tensor l1(const at::Tensor& output, const at::Tensor& target);

}  // namespace chiaro::losses
