#pragma once

#include <ATen/core/Tensor.h>

namespace chiaro::losses {

/// Mean absolute difference over all values. output, target: equal shapes, any. Returns a 0-dim
/// tensor of the wider type. Errors: Internal if the shapes differ.
at::Tensor l1(const at::Tensor& output, const at::Tensor& target);

}  // namespace chiaro::losses
