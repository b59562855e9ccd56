// Contrast as classification: which of the candidates belongs to the query?
#pragma once

#include <ATen/core/Tensor.h>

namespace chiaro::losses {

/// Logits of a contrast: (A,D)·(B,D) → (A,B), inner products divided by the temperature. In at
/// least float32 under autocast, too, forwards and backwards: bfloat16 has cosines near 1 in steps
/// of 0.004, and at τ = 0.07 logits in steps of 0.06. With gradient.
at::Tensor contrast_logits(const at::Tensor& a, const at::Tensor& b, double temperature);

/// log Σ exp over what is `included`, (Q,K) bool, of each row of logits (Q,K): (Q), with gradient.
/// Logits are finite; those left out may be as large as they like. A row without any gives −1e30
/// and no gradient.
at::Tensor masked_logsumexp(const at::Tensor& logits, const at::Tensor& included);

/// Masked multi-positive InfoNCE (van den Oord et al. 2018, arXiv:1807.03748; with several
/// positives the outer sum of supervised contrast, Khosla et al. 2020, arXiv:2004.11362, eq. 2):
///
///   ℓ_i = −1/|P(i)| · Σ_{p∈P(i)} log( exp z_ip / Σ_{a∈A(i)} exp z_ia ),   the mean over all i with
///   P(i) not empty; 0 if there is none.
///
/// logits z: (Q,K), already divided by the temperature. positives P, candidates A: (Q,K) bool;
/// positives are meant to be candidates too, a query itself is not. Computed in at least float32.
/// Returns a 0-dim tensor with gradient. One positive in K equal logits gives ln K. Errors:
/// Internal (shapes, a positive that is no candidate).
at::Tensor info_nce(const at::Tensor& logits, const at::Tensor& positives,
                    const at::Tensor& candidates);

/// The same, but what is `dropped` (Q,K) bool keeps its place in the sum with a logit of 0: it adds
/// 1 and no gradient, as published code does that multiplies logits by a mask instead of leaving
/// them out. Errors: Internal (as above; a dropped positive).
at::Tensor info_nce_zeroed(const at::Tensor& logits, const at::Tensor& positives,
                           const at::Tensor& candidates, const at::Tensor& dropped);

}  // namespace chiaro::losses
