// Exponential moving average of weights.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace chiaro::train {

/// After update t (from 1): a ← d·a + (1 − d)·w with d = min(decay, (1 + t)/(10 + t)), so that
/// early averages follow quickly. With decay 0 the average equals the weights.
class Ema {
 public:
  Ema(std::vector<at::Tensor> weights, double decay);

  void update();
  std::vector<at::Tensor>& averages() { return averages_; }
  std::int64_t updates() const { return updates_; }
  void set_updates(std::int64_t updates) { updates_ = updates; }

  /// Exchanges weights and averages in place; call twice to undo.
  void swap();

 private:
  std::vector<at::Tensor> weights_;
  std::vector<at::Tensor> averages_;
  double decay_;
  std::int64_t updates_ = 0;
};

/// The averages stand in for the weights while this lives.
class EmaScope {
 public:
  explicit EmaScope(Ema& ema) : ema_(ema) { ema_.swap(); }
  ~EmaScope() { ema_.swap(); }
  EmaScope(const EmaScope&) = delete;
  EmaScope& operator=(const EmaScope&) = delete;

 private:
  Ema& ema_;
};

}  // namespace chiaro::train
