// The controller: says what is wrong with a picture, in a form that a restorer can be told.
//
// Letters: N pictures, V views each, S side of a view, K kinds of damage, D width of one embedding.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "chiaro/networks/conditioner.h"
#include "chiaro/nn/statistics_tower.h"

namespace chiaro::networks {

struct ControllerOptions {
  std::int64_t width = 24;       ///< channels of the first convolution
  std::int64_t hidden = 192;     ///< width of the trunk
  std::int64_t embedding = 128;  ///< of damage and content together, even
  std::int64_t view_px = 128;
  std::int64_t max_views = 9;
  std::int64_t whole_px = 128;
};

/// Convolutions on native views and on the reduced whole picture, both beside a fixed high-pass,
/// pooled by mean and standard deviation at the first and the last layer (how much noise there is
/// shows in deviations, not in means), then heads: damage by cosine to projected rows of a text
/// table, severity of each kind, content, domain.
class Controller : public Conditioner {
 public:
  /// What the heads say. Embeddings are unit vectors.
  struct Features {
    at::Tensor damage;    ///< (N,D)
    at::Tensor content;   ///< (N,D)
    at::Tensor logits;    ///< (N,K): exp(scale) times cosine to each prototype
    at::Tensor severity;  ///< (N,K) in [0,1]
    at::Tensor domain;    ///< (N,Nd) logits
  };

  /// types: the K names, rows of `table` (K,Dt) in the same order. domains may be empty: one
  /// nameless domain. Weights are drawn from torch's default generator.
  Controller(const ControllerOptions& options, std::vector<std::string> types,
             std::vector<std::string> domains, const at::Tensor& table);

  /// native: (N,V,3,S,S), whole: (N,3,h,w), in [0,1].
  Features features(const at::Tensor& native, const at::Tensor& whole);
  Diagnosis diagnose(const at::Tensor& native, const at::Tensor& whole) override;
  ConditionLayout layout() const override { return layout_; }

  /// Unit vectors that stand for the kinds, (K,D).
  at::Tensor prototypes();

 private:
  ConditionLayout layout_;
  at::Tensor table_;  // (K,Dt)
  at::Tensor scale_;  // (): logarithm of what cosines are multiplied by
  std::shared_ptr<nn::StatisticsTower> native_;
  std::shared_ptr<nn::StatisticsTower> whole_;
  torch::nn::LayerNorm norm_{nullptr};
  torch::nn::Linear trunk_{nullptr}, damage_{nullptr}, content_{nullptr}, severity_{nullptr},
      domain_{nullptr}, project_{nullptr};
};

}  // namespace chiaro::networks
