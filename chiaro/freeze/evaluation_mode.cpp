#include "chiaro/freeze/evaluation_mode.h"

namespace chiaro::freeze {

EvaluationMode::EvaluationMode(torch::nn::Module& module) {
  for (const auto& parameter : module.parameters()) {
    if (!parameter.requires_grad()) continue;
    parameter.set_requires_grad(false);
    frozen_.push_back(parameter);
  }
  module.apply(
      [this](torch::nn::Module& part) { training_.emplace_back(&part, part.is_training()); });
  module.eval();
}

EvaluationMode::~EvaluationMode() {
  for (auto& parameter : frozen_) parameter.set_requires_grad(true);
  // train() reaches downwards; apply went from parents to children, so the children have the last
  // word.
  for (auto& [part, training] : training_) part->train(training);
}

}  // namespace chiaro::freeze
