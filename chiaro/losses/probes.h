// How much frozen codes tell of a label: probes without training loops, and the figures that are
// made of their answers.
//
// Letters: n codes to learn from, m to be asked about, D their width, K labels 0 … K−1.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace chiaro::losses {

/// Ridge regression in closed form, in float64: W, b minimise Σ|Wx + b − t|² + ridge·n·|W|² over
/// centred and whitened (per value) codes. train (n,D), targets (n,T), asked (m,D) → (m,T) float64.
/// No gradient. Errors: Internal (shapes), Usage (no code to learn from).
at::Tensor ridge_regression(const at::Tensor& train, const at::Tensor& targets,
                            const at::Tensor& asked, double ridge = 1e-3);

/// The linear probe: least squares on one-hot labels; the answer is the largest. labels (n) int64 →
/// (m) int64. Closed form, so it depends on no seed and no learning rate. Errors: as above.
at::Tensor linear_probe(const at::Tensor& train, const at::Tensor& labels, const at::Tensor& asked,
                        double ridge = 1e-3);

/// The nearest-neighbour probe: the k codes with the largest cosine among those allowed vote with
/// exp(cosine/0.07) (Wu et al. 2018, arXiv:1805.01978). codes (N,D) of length 1, labels (N) int64,
/// allowed (N,N) bool: whom a code may ask; a code never asks itself. Leave-one-domain-out: allow
/// only codes of other domains. Returns (N) int64, −1 where nobody may be asked. Errors: Internal
/// (shapes), Usage (k < 1).
at::Tensor neighbour_probe(const at::Tensor& codes, const at::Tensor& labels,
                           const at::Tensor& allowed, std::int64_t k);

/// Share of the codes whose nearest allowed code has the same label; codes without an allowed one
/// of their label do not count, since they cannot be answered. NaN if none counts.
double retrieval_at_one(const at::Tensor& codes, const at::Tensor& labels,
                        const at::Tensor& allowed);

/// What was answered, and how far that is from guessing.
struct ProbeScore {
  double accuracy = 0;
  double band = 0;        ///< half the 95 % binomial interval: 1.96·√(p(1−p)/n)
  double normalised = 0;  ///< (accuracy − 1/K)/(1 − 1/K): 0 by guessing, 1 if all are right
  std::int64_t asked = 0;
};

/// answers, labels (m) int64 of K labels; answers of −1 do not count. Errors: Internal (shapes),
/// Usage (K < 2, or none counts).
ProbeScore probe_score(const at::Tensor& answers, const at::Tensor& labels, std::int64_t count);

}  // namespace chiaro::losses
