// How large a module is.
#pragma once

#include <torch/nn/module.h>

#include <cstdint>

namespace chiaro::nn {

/// How many numbers the parameters of a module hold.
inline std::int64_t scalars(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
}

}  // namespace chiaro::nn
