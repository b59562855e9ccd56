// A network as it is used, for as long as the object lives.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <utility>
#include <vector>

namespace chiaro::freeze {

/// Evaluation mode, and no parameter requires a gradient (which a trace would refuse). Both are
/// restored at the end, part by part.
class EvaluationMode {
 public:
  explicit EvaluationMode(torch::nn::Module& module);
  ~EvaluationMode();
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  std::vector<at::Tensor> frozen_;
  std::vector<std::pair<torch::nn::Module*, bool>> training_;  // every module below, with its mode
};

}  // namespace chiaro::freeze
