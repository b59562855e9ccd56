#include "chiaro/nn/projection_heads.h"

#include <ATen/ATen.h>

#include <string>

#include "chiaro/base/error.h"

namespace chiaro::nn {
namespace {

constexpr double kNormFloor = 1e-7;

}  // namespace

ProjectionHeads::ProjectionHeads(const std::vector<std::int64_t>& channels,
                                 std::int64_t dimension) {
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const std::string number = std::to_string(i);
    first_.push_back(register_module("first" + number, torch::nn::Linear(channels[i], dimension)));
    second_.push_back(register_module("second" + number, torch::nn::Linear(dimension, dimension)));
  }
}

at::Tensor ProjectionHeads::project(std::size_t layer, const at::Tensor& vectors) {
  CHIARO_CHECK(layer < count(), Internal, "[nn.projection_heads] layer {} of {}", layer, count());
  const auto hidden = at::relu(first_[layer]->forward(vectors));
  const auto embedding = second_[layer]->forward(hidden).to(at::kFloat);
  return embedding / (embedding.norm(2, 1, true) + kNormFloor);
}

}  // namespace chiaro::nn
