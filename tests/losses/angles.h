// Vectors whose likeness is known.
#pragma once

#include <ATen/ATen.h>

#include <numbers>
#include <vector>

namespace chiaro::losses {

/// Unit vectors in the plane, by their angles in degrees.
inline at::Tensor at_angles(const std::vector<double>& degrees) {
  const auto radians = at::tensor(degrees, at::kDouble) * (std::numbers::pi / 180);
  return at::stack({radians.cos(), radians.sin()}, 1);
}

}  // namespace chiaro::losses
