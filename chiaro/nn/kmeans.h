// k-means.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace chiaro::nn {

struct KmeansOptions {
  std::int64_t clusters = 8;
  std::int64_t iterations = 20;
  std::int64_t restarts = 5;  ///< from other points; the best is kept
  std::uint64_t seed = 0;
};

struct Clusters {
  at::Tensor centroids;  ///< (M,D) float32: the means of their points
  at::Tensor owner;      ///< (N) int64: the nearest centroid of each point
  double objective = 0;  ///< Σ squared distance to the owner
};

/// Lloyd's algorithm on points (N,D), N >= 1, by squared Euclidean distance, from distinct random
/// points. A cluster that loses all its points takes over the point that lies furthest from its own
/// centroid. No cluster is empty at the end: M is `clusters`, or the number of different points
/// where that is smaller. The same points and seed give the same clusters; points on another
/// device are clustered on the CPU. No gradient. Errors: Internal (shapes, counts).
Clusters kmeans(const at::Tensor& points, const KmeansOptions& options);

/// Squared Euclidean distances (N,M) between the rows of (N,D) and (M,D).
at::Tensor square_distances(const at::Tensor& points, const at::Tensor& centroids);

}  // namespace chiaro::nn
