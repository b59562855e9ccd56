// The terms that teach the controller of method mmf, apart from the network that they teach.
//
// Letters: N samples, K kinds of damage, D width of an embedding; n(i) kinds of sample i, s_ik
// their severities.
#pragma once

#include <ATen/core/Tensor.h>

#include "chiaro/methods/report_health.h"

namespace chiaro::methods {

/// L_deg: cross-entropy over prototypes, for samples with several kinds the mean over them. With
/// label smoothing ε (Szegedy et al. 2016, arXiv:1512.00567) the target is
///
///   q_ik = (1 − ε)·[k ∈ n(i)]/|n(i)| + ε/K,     L = mean_i −Σ_k q_ik log softmax_k(z_i)
///
/// Its least value is the entropy of q, 0 for single kinds without smoothing; equal logits give
/// ln K. logits z: (N,K), kinds: (N,K) bool, at least one in each row, smoothing in [0,1]. 0-dim.
at::Tensor prototype_loss_of(const at::Tensor& logits, const at::Tensor& kinds, double smoothing);

/// The same decision as a contrast with the prototypes, without smoothing, to be judged.
/// damage: (N,D), prototypes: (K,D), both of unit length.
Contrast prototype_contrast(const at::Tensor& logits, const at::Tensor& damage,
                            const at::Tensor& prototypes, const at::Tensor& kinds);

/// L_sup, supervised contrast (Khosla et al. 2020, arXiv:2004.11362) of e_i·e_j/τ, candidates being
/// all others. Positives: the same kinds, and no severity apart by more than 0.25; where a sample
/// has none such, all of the same kinds. damage: (N,D) of unit length, kinds: (N,K) bool,
/// severities: (N,K), temperature τ > 0.
Contrast damage_contrast_of(const at::Tensor& damage, const at::Tensor& kinds,
                            const at::Tensor& severities, double temperature);

/// L_con, InfoNCE of c_i·c̄_j/τ; candidates: the embeddings of all clean windows; positives: those
/// of the same scene. content: (N,D), clean: (N,D) without gradient, both of unit length; scene:
/// (N) int64; kinds: (N,K) bool, for the report.
Contrast content_contrast_of(const at::Tensor& content, const at::Tensor& clean,
                             const at::Tensor& scene, const at::Tensor& kinds, double temperature);

/// L_sev: SmoothL1 (Girshick 2015, arXiv:1504.08083; (ŝ−s)²/0.2 below 0.1, |ŝ−s| − 0.05 above), the
/// mean over present kinds of known severity, + 0.1 · the mean of ŝ² over absent kinds. severity ŝ:
/// (N,K) in [0,1], severities: (N,K), negative where unknown, kinds: (N,K) bool. 0-dim.
at::Tensor severity_loss_of(const at::Tensor& severity, const at::Tensor& kinds,
                            const at::Tensor& severities);

}  // namespace chiaro::methods
