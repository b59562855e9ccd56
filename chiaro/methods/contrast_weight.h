// The weight λ of a contrastive term: fixed, or held at a share of the reconstruction loss; and the
// guard of a term that is subtracted.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>

namespace chiaro::methods {

struct ContrastWeightOptions {
  double lambda = 1e-3;          ///< λ, and with `share` λ while the averages fill
  double share = 0;              ///< ρ; 0: λ stays as it is
  double guard_share = 0.5;      ///< of L_rec
  std::int64_t guard_steps = 0;  ///< 0: h, see below
};

/// λ over the steps. With share ρ > 0, and avg the exponential averages over h = 5 % of the run
/// (10 to 1000 steps) of what the caller measures of both terms, values or gradients,
///
///   λ_t = ρ · avg(L_rec) / avg(L_con),  kept within a factor 10 of what it was after h steps,
///
/// so that the sawtooth of a term measured against lagged copies does not modulate λ. Chiaro's own;
/// the publication tunes λ by hand. What it remembers lies in buffers.
class ContrastWeight : public torch::nn::Module {
 public:
  explicit ContrastWeight(const ContrastWeightOptions& options);

  /// λ for a step with these losses. Errors: Usage (ρ > 0 and a reconstruction loss that is not
  /// positive: there is nothing to take a share of).
  double next(double reconstruction, double contrast, std::int64_t total_steps);

  /// λ as it was last, for steps that measure nothing.
  double last() const;

  /// For a term that is subtracted, once a step. Nothing bounds it below, so a λ too large drives
  /// the objective instead of the reconstruction. Errors: CheckFailed after `guard_steps` steps in
  /// a row with λ·L_con > guard_share·L_rec. Sleeps while L_rec is not positive, as under the loss
  /// `psnr`.
  void guard(double reconstruction, double subtracted, std::int64_t step, std::int64_t total_steps);

 private:
  ContrastWeightOptions options_;
  at::Tensor averages_;  // (2) float64: of L_rec and L_con
  at::Tensor start_;     // (1) float64: λ after h steps; 0 before
  at::Tensor last_;      // (1) float64: λ of the last measurement
  at::Tensor counts_;    // (2) int64: measured, steps in a row above the guard
};

}  // namespace chiaro::methods
