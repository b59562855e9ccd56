// The terms of pixel losses, as most methods have them.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "chiaro/losses/by_name.h"
#include "chiaro/methods/method.h"

namespace chiaro::methods {

/// w_i · ℓ_i(output, target) for each i; output, target (N,C,H,W), one shape.
inline Losses pixel_terms(const std::vector<losses::WeightedLoss>& terms, const at::Tensor& output,
                          const at::Tensor& target) {
  Losses result;
  for (const auto& term : terms)
    result.terms.push_back({term.name, term.function(output, target), term.weight});
  return result;
}

}  // namespace chiaro::methods
