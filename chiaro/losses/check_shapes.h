// The door check of all losses.
#pragma once

#include <ATen/core/Tensor.h>

namespace chiaro::losses {

/// Errors: Internal unless both tensors are defined, floating, not empty and of one shape. `loss`
/// names the caller.
void check_pair(const char* loss, const at::Tensor& output, const at::Tensor& target);

/// As check_pair; and both must be (N,C,H,W) with sides of at least min_side_px.
void check_pictures(const char* loss, const at::Tensor& output, const at::Tensor& target,
                    std::int64_t min_side_px = 1);

}  // namespace chiaro::losses
