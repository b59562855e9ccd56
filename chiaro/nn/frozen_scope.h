// A network that is looked through without being taught.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <vector>

namespace chiaro::nn {

/// While this lives, the module's parameters ask for no gradient: what passes through it has one
/// with respect to its input alone. Parameters that asked for none before are left as they are.
class FrozenScope {
 public:
  explicit FrozenScope(const torch::nn::Module& module);
  ~FrozenScope();
  FrozenScope(const FrozenScope&) = delete;
  FrozenScope& operator=(const FrozenScope&) = delete;

 private:
  std::vector<at::Tensor> held_;
};

}  // namespace chiaro::nn
