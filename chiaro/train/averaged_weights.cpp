#include "chiaro/train/averaged_weights.h"

#include <set>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "chiaro/base/error.h"

namespace chiaro::train {

std::vector<at::Tensor> averaged_tensors(methods::Method& method) {
  std::vector<at::Tensor> all;
  std::set<const void*> seen;
  for (const auto& phase : method.phases()) {
    for (const auto& weight : method.trainable(phase.name)) {
      if (seen.insert(weight.unsafeGetTensorImpl()).second) all.push_back(weight);
    }
  }
  return all;
}

void load_averages(const checkpoint::Checkpoint& state, std::vector<at::Tensor>& targets,
                   const std::string& origin) {
  const c10::NoGradGuard no_grad;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const auto found = state.tensors.find(checkpoint::below("ema", std::to_string(i)));
    CHIARO_CHECK(
        found != state.tensors.end() && found->second.sizes() == targets[i].sizes(), Bundle,
        "[train.load_averages] '{}' does not hold the averaged weights of this network", origin);
    targets[i].copy_(found->second);
  }
}

}  // namespace chiaro::train
