// Pictures → statistics of their pixels and features: what shows damage rather than content.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/normalization.h>

#include <cstdint>
#include <vector>

namespace chiaro::nn {

/// Four convolutional stages, each of which halves the sides, on the pixels beside a fixed
/// high-pass. Mean and standard deviation of the pixels themselves, of the first stage and of the
/// last one are its result: how much noise there is shows in deviations, not in means.
class StatisticsTower : public torch::nn::Module {
 public:
  /// width: channels of the first stage; the last has four times as many. Weights: He
  /// initialisation, from torch's default generator.
  explicit StatisticsTower(std::int64_t width);

  /// (N,3,H,W) in [0,1], sides of at least 2 → (N, features(width)) float32.
  at::Tensor forward(const at::Tensor& x);

  static std::int64_t features(std::int64_t width);

  static constexpr std::size_t kStages = 4;

  /// The feature maps (N,C,H/2,W/2) of one stage alone, which forward() takes its statistics of:
  /// stage 0 takes the pictures, the others what the one before gives.
  at::Tensor stage(std::size_t index, const at::Tensor& x);

 private:
  at::Tensor with_detail(const at::Tensor& pictures) const;
  at::Tensor first_stage(const at::Tensor& with_detail);
  at::Tensor deeper_stage(std::size_t i, const at::Tensor& f);

  at::Tensor high_pass_;
  torch::nn::Conv2d first_;
  std::vector<torch::nn::Conv2d> down_, deeper_;
  std::vector<torch::nn::GroupNorm> norm_;
};

}  // namespace chiaro::nn
