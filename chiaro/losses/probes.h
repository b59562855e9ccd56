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

/// Share of the codes whose nearest allowed code, by cosine, has the same label; codes without an
/// allowed one of their label do not count, since they cannot be answered. NaN if none counts.
/// codes (N,D) of length 1, labels (N) int64, allowed (N,N) bool: whom a code may ask; a code never
/// asks itself. Leave-one-domain-out: allow only codes of other domains. Errors: Internal (shapes).
double retrieval_at_one(const at::Tensor& codes, const at::Tensor& labels,
                        const at::Tensor& allowed);

/// How far answers (m) are from guessing among K labels: (accuracy − 1/K)/(1 − 1/K), 0 by guessing,
/// 1 if all are right. labels (m) int64. Errors: Internal (shapes), Usage (K < 2, no answer).
double normalised_accuracy(const at::Tensor& answers, const at::Tensor& labels, std::int64_t count);

}  // namespace chiaro::losses
