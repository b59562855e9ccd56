// Distances between pictures by their features: the parts of contrastive losses for restoration.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace chiaro::losses {

/// One tensor for each layer l of a feature extractor φ, any shape.
using Features = std::vector<at::Tensor>;

/// d(a, b) = Σ_l w_l · mean|φ_l(a) − φ_l(b)|, the mean over all values of the layer. Returns a
/// 0-dim tensor, at least float32, with the gradients of a and b. Errors: Internal (other numbers
/// of layers or weights; shapes, see Pair).
at::Tensor feature_distance(const Features& a, const Features& b,
                            const std::vector<double>& weights);

/// Distances to features that are given, b_1 … b_K.
struct FixedDistances {
  at::Tensor mean;  ///< 0-dim: 1/K · Σ_k d(a, b_k), at least float32, with the gradient of a
  at::Tensor each;  ///< (K): d(a, b_k), without gradient
};

/// As feature_distance to each of `fixed`, which take no gradient, in less time and with the memory
/// of one: a mean of absolute differences needs nothing for its gradient but Σ_k sign(a − b_k).
/// Differentiable once. Features of half precision are subtracted in it and averaged in float32.
/// Errors: Internal (no b; other numbers of layers or weights; shapes).
FixedDistances distances_to_fixed(const Features& a, const std::vector<Features>& fixed,
                                  const std::vector<double>& weights);

/// Contrastive regularisation (Wu et al. 2021, AECR-Net, arXiv:2104.09367, eq. 5):
///
///   Σ_l w_l · D_l(o, y) / (D_l(o, n) + ε),   D_l = mean|φ_l(·) − φ_l(·)|,  ε = 1e-7
///
/// for output o, positive y and negative n. Errors: as feature_distance.
at::Tensor feature_contrast(const Features& output, const Features& positive,
                            const Features& negative, const std::vector<double>& weights);

}  // namespace chiaro::losses
