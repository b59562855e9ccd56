#include "chiaro/nn/frozen_scope.h"

namespace chiaro::nn {

FrozenScope::FrozenScope(const torch::nn::Module& module) {
  for (auto& parameter : module.parameters()) {
    if (parameter.requires_grad()) held_.push_back(parameter.set_requires_grad(false));
  }
}

FrozenScope::~FrozenScope() {
  for (auto& parameter : held_) parameter.set_requires_grad(true);
}

}  // namespace chiaro::nn
