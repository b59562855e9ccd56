// Older versions of a network that is being trained, as its own negatives.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace chiaro::nn {

/// A bank of N copies θ_k of a network θ. A copy shares no tensor with the network, takes no
/// gradient, stays in evaluation mode, and changes only by `blend`. Copies, ages and the turn of
/// the round robin are registered, so a checkpoint holds them all.
class LaggedCopies : public torch::nn::Module {
 public:
  /// `copies`: networks built like θ, with fresh weights of their own; at least one.
  explicit LaggedCopies(std::vector<std::shared_ptr<torch::nn::Module>> copies);

  /// θ_k ← retained·θ_k + (1 − retained)·θ over parameters; buffers are copied. retained = 0 makes
  /// an exact copy. The age of the weights is blended alike: θ has age 0. Errors: Internal (another
  /// architecture).
  void blend(std::size_t k, const torch::nn::Module& network, double retained);

  /// One optimiser step has gone by: every copy is a step older.
  void grow_older();

  /// Whose turn it is in a round robin; the next call gives the next copy.
  std::size_t next_in_turn();

  std::size_t count() const { return copies_.size(); }

  /// Mean age of the weights of θ_k in optimiser steps. Refreshed every s steps with share w
  /// retained, it averages s·(1/2 + w/(1 − w)) over time.
  double age_steps(std::size_t k) const;

 private:
  std::vector<std::shared_ptr<torch::nn::Module>> copies_;
  at::Tensor ages_;  // (N) float64
  at::Tensor turn_;  // (1) int64
};

/// Checks, before they are made, that `count` copies of the network fit into memory. Errors:
/// Resource, with both sizes.
void expect_room_for_copies(const torch::nn::Module& network, std::int64_t count,
                            std::int64_t available_bytes);

/// Intervals meant for a run of `meant_for_steps`, stretched to one of `total_steps`: the same
/// fractions of the run, rounded, their ratios kept where the shortest would fall below
/// `least_steps`. meant_for_steps = 0: as they are.
std::vector<std::int64_t> stretched_intervals(const std::vector<std::int64_t>& intervals,
                                              std::int64_t meant_for_steps,
                                              std::int64_t total_steps,
                                              std::int64_t least_steps = 10);

}  // namespace chiaro::nn
