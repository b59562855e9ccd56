// How well two layers of a picture, what it shows and what damages it, have come apart.
#pragma once

#include <ATen/core/Tensor.h>

namespace chiaro::losses {

/// How many directions of space vectors really use: (Σλ)² / Σλ² of the eigenvalues λ of their
/// covariance, 1 (all on a line) to the smaller of N − 1 and D (all alike in every direction).
/// vectors: (N,D), N >= 2; without any spread 0. No gradient. The premise of non-local contrast is
/// that patches of a picture use more of them than patches of rain (NLCL+, Ye et al.). Errors:
/// Internal (shape).
double participation_ratio(const at::Tensor& vectors);

/// Whether two layers have their edges in the same places: Pearson's correlation of the magnitudes
/// of their gradients (differences to the next pixel of a row and of a column, over all channels of
/// a pixel), −1 to 1; 0 where one layer has none. Layers that exclude each other come near 0.
/// image, damage: (N,C,H,W) of one shape with sides of at least 2; over all pixels of the batch. No
/// gradient. Errors: Internal (shape).
double shared_edges(const at::Tensor& image, const at::Tensor& damage);

}  // namespace chiaro::losses
