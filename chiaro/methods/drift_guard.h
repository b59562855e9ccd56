// The guard of an adaptation: a restorer that shifts brightness is not taking damage away.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>

namespace chiaro::methods {

/// Watches the mean of what is taken away, (N,C,H,W) on the scale from −1 to 1, step by step: its
/// running mean must stay within a limit of the mean of the first kSettling steps.
class DriftGuard : public torch::nn::Module {
 public:
  static constexpr std::int64_t kSettling = 50;

  explicit DriftGuard(double limit);  ///< 0: watches nothing

  /// What one micro-batch takes away. No gradient.
  void add(const at::Tensor& taken);
  /// Ends a step. Errors: CheckFailed, where the mean has drifted too far.
  void end_step();

 private:
  double limit_;
  at::Tensor drift_;  // (3) float64: mean at first, running mean, steps seen
  // Of the step that is being made: nothing of them is needed between steps.
  double sum_ = 0;
  std::int64_t micro_batches_ = 0;
};

}  // namespace chiaro::methods
