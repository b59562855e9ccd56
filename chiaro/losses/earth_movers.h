// Distances between distributions of values, for every pair of a batch: how far the values of one
// set must be moved, on average, to become those of the other. Blind to where in the picture a
// value stands.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "chiaro/base/rng.h"

namespace chiaro::losses {

/// What is compared.
enum class Transport {
  W1,       ///< mean of |a − b| over values of equal rank: the earth mover's distance
  W2,       ///< root of the mean of (a − b)² over values of equal rank
  Gaussian  ///< W2 of the normal distributions of equal moments: √(Δmean² + Δdeviation²)
};

/// Distances of all pairs, in the units of the values, averaged over channels. In one dimension the
/// optimal transport moves values of equal rank onto each other (Villani 2003, Topics in Optimal
/// Transportation, §2.2), so W1 and W2 are exact after sorting, for sets of equal size.
///
/// values: (N,C,M): N sets, C channels, M values each; real. quantiles: W1 and W2 compare so many
/// interpolated quantiles, at the ranks (q+½)/Q, instead of M values; 0, or anything from M on:
/// exact. Computed in at least float32, without autocast. Returns (N,N) with gradient, symmetric, 0
/// on the diagonal; at ties the gradient is 0. Errors: Internal (shape, type).
at::Tensor earth_movers(const at::Tensor& values, Transport transport = Transport::W1,
                        std::int64_t quantiles = 0);

/// Values seen along directions: (N,C,M) and (R,C) → (N,R,M). The earth mover's distances of the
/// result are the sliced ones of the joint distribution over channels (Bonneel et al. 2015,
/// doi:10.1007/s10851-014-0506-3).
at::Tensor along_directions(const at::Tensor& values, const at::Tensor& directions);

/// `count` unit vectors, uniform on the sphere: (count,channels) float32.
at::Tensor random_directions(std::int64_t count, std::int64_t channels, Rng& rng);

}  // namespace chiaro::losses
