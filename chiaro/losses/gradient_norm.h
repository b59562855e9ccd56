// How hard a term of a loss pulls.
#pragma once

#include <ATen/core/Tensor.h>

namespace chiaro::losses {

/// ‖∂term/∂at‖ of a 0-dim term made of `at`, whose graph stays.
double gradient_norm(const at::Tensor& term, const at::Tensor& at);

}  // namespace chiaro::losses
