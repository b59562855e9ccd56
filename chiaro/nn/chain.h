// Equal modules in a row.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <string>
#include <vector>

namespace chiaro::nn {

/// `count` blocks in a row, registered under "0", "1", …; none at all is the identity. Block is a
/// module holder, built from a channel number, with forward (N,channels,H,W) → the same shape.
template <typename Block>
class Chain : public torch::nn::Module {
 public:
  Chain(std::int64_t count, std::int64_t channels) {
    for (std::int64_t i = 0; i < count; ++i)
      blocks_.push_back(register_module(std::to_string(i), Block(channels)));
  }

  at::Tensor forward(at::Tensor x) {
    for (auto& block : blocks_) x = block->forward(x);
    return x;
  }

 private:
  std::vector<Block> blocks_;
};

}  // namespace chiaro::nn
