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
/// the publication tunes λ by hand. A step of several micro-batches counts once, with the means of
/// what was measured in it, and has one λ. What is remembered between steps lies in buffers.
class ContrastWeight : public torch::nn::Module {
 public:
  explicit ContrastWeight(const ContrastWeightOptions& options);

  /// λ of this step: of what the steps before it measured.
  double lambda() const;

  /// What both terms, or their gradients, are in a micro-batch. Errors: Usage (ρ > 0 and a
  /// reconstruction loss that is not positive: there is nothing to take a share of).
  void measure(double reconstruction, double contrast);

  /// For a term that is subtracted: its size λ·L_con in a micro-batch, beside L_rec.
  void watch(double reconstruction, double subtracted);

  /// The step is over, `step` of them are. λ goes on where something was measured, which happens
  /// in `measured_steps` of the `total_steps`. Nothing bounds a subtracted term below, so a λ too
  /// large drives the objective instead of the reconstruction. Errors: CheckFailed after
  /// `guard_steps` steps in a row with λ·L_con > guard_share·L_rec. That guard sleeps while L_rec
  /// is not positive, as under the loss `psnr`.
  void after_step(std::int64_t step, std::int64_t measured_steps, std::int64_t total_steps);

 private:
  /// Sums over the micro-batches of the step.
  struct Sums {
    void add(double reconstruction, double contrast);
    double pull = 0;
    double push = 0;
    std::int64_t count = 0;
  };

  void average(std::int64_t horizon);
  void guard(std::int64_t step, std::int64_t allowed);

  ContrastWeightOptions options_;
  Sums measured_;  // empty between steps, as watched_ is
  Sums watched_;
  at::Tensor averages_;  // (2) float64: of L_rec and L_con
  at::Tensor start_;     // (1) float64: λ after h steps; 0 before
  at::Tensor last_;      // (1) float64: λ now
  at::Tensor counts_;    // (2) int64: steps measured, steps in a row above the guard
};

}  // namespace chiaro::methods
