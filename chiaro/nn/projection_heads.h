// Small networks that carry feature vectors of several layers into one space of embeddings.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace chiaro::nn {

/// One head for each layer: linear, ReLU, linear, division by the norm. Weights as libtorch draws
/// them: with biases, so that a zero vector has a direction too.
class ProjectionHeads : public torch::nn::Module {
 public:
  /// channels: C of each layer; dimension: D of hidden and final vectors.
  ProjectionHeads(const std::vector<std::int64_t>& channels, std::int64_t dimension);

  /// (K,C) → (K,D) unit vectors, float32.
  at::Tensor project(std::size_t layer, const at::Tensor& vectors);

  std::size_t count() const { return first_.size(); }

 private:
  std::vector<torch::nn::Linear> first_;
  std::vector<torch::nn::Linear> second_;
};

}  // namespace chiaro::nn
