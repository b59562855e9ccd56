#include "chiaro/nn/kmeans.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/base/rng.h"
#include "chiaro/nn/draw_distinct.h"

namespace chiaro::nn {
namespace {

struct Nearest {
  at::Tensor distance;  // (N), squared
  at::Tensor owner;     // (N) int64
};

/// |x − c|² = |x|² − 2 (x·c − |c|²/2): the nearest centroid is the one with the largest bracket.
Nearest nearest(const at::Tensor& points, const at::Tensor& norms, const at::Tensor& centroids) {
  const auto bracket = at::addmm(centroids.square().sum(1).mul(-0.5), points, centroids.t());
  const auto [best, owner] = bracket.max(1);
  return {(norms - 2 * best).clamp_min(0), owner};
}

/// The mean of each cluster; an empty one moves onto the point furthest from its centroid. Summed
/// by hand, since index_add_ would take longer than everything else.
at::Tensor means(const at::Tensor& points, const Nearest& found, std::int64_t clusters) {
  const std::int64_t dimension = points.size(1);
  std::vector<double> sums(static_cast<std::size_t>(clusters * dimension), 0.0);
  std::vector<std::int64_t> count(static_cast<std::size_t>(clusters), 0);
  const float* point = points.const_data_ptr<float>();
  const auto* owner = found.owner.const_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < points.size(0); ++i, point += dimension) {
    double* sum = sums.data() + owner[i] * dimension;
    for (std::int64_t d = 0; d < dimension; ++d) sum[d] += static_cast<double>(point[d]);
    ++count[static_cast<std::size_t>(owner[i])];
  }
  at::Tensor distance = found.distance.clone();
  at::Tensor centroids = at::empty({clusters, dimension}, points.options());
  float* centroid = centroids.mutable_data_ptr<float>();
  for (std::int64_t c = 0; c < clusters; ++c, centroid += dimension) {
    const std::int64_t members = count[static_cast<std::size_t>(c)];
    if (members == 0) {
      const auto far = distance.argmax().item<std::int64_t>();
      std::copy_n(points.const_data_ptr<float>() + far * dimension, dimension, centroid);
      distance[far] = -1;  // not for the next empty one
      continue;
    }
    const double* sum = sums.data() + c * dimension;
    for (std::int64_t d = 0; d < dimension; ++d)
      centroid[d] = static_cast<float>(sum[d] / static_cast<double>(members));
  }
  return centroids;
}

Clusters once(const at::Tensor& points, const at::Tensor& norms, const KmeansOptions& options,
              Rng& rng) {
  const auto first = at::tensor(draw_distinct(points.size(0), options.clusters, rng), at::kLong);
  auto centroids = points.index_select(0, first);
  Nearest found = nearest(points, norms, centroids);
  for (std::int64_t i = 0; i < options.iterations; ++i) {
    centroids = means(points, found, options.clusters);
    const auto before = found.owner;
    found = nearest(points, norms, centroids);
    if (at::equal(before, found.owner)) break;
  }
  return {centroids, found.owner, found.distance.to(at::kDouble).sum().item<double>()};
}

/// Without the clusters that own nothing.
Clusters without_empty(const Clusters& found, const at::Tensor& points, const at::Tensor& norms) {
  const auto used = at::bincount(found.owner, {}, found.centroids.size(0)).gt(0).nonzero().view(-1);
  Clusters kept{found.centroids.index_select(0, used), {}, found.objective};
  kept.owner = nearest(points, norms, kept.centroids).owner;
  return kept;
}

}  // namespace

at::Tensor square_distances(const at::Tensor& points, const at::Tensor& centroids) {
  // Differences of large sums: autocast would round them away.
  const c10::impl::ExcludeDispatchKeyGuard full_precision(c10::autocast_dispatch_keyset);
  const auto norms = points.square().sum(1, /*keepdim=*/true);
  return (norms + centroids.square().sum(1) - 2 * at::matmul(points, centroids.t())).clamp_min(0);
}

Clusters kmeans(const at::Tensor& points, const KmeansOptions& options) {
  CHIARO_CHECK(points.dim() == 2 && points.size(0) >= 1 && options.clusters >= 1 &&
                   options.iterations >= 1 && options.restarts >= 1,
               Internal,
               "[nn.kmeans] expected points (N,D) and at least one of points, clusters, "
               "iterations and restarts");
  const at::NoGradGuard no_grad;
  const auto given = points.to(at::kCPU).to(at::kFloat).contiguous();
  const auto norms = given.square().sum(1);
  KmeansOptions possible = options;
  possible.clusters = std::min(options.clusters, given.size(0));
  Clusters best;
  best.objective = std::numeric_limits<double>::infinity();
  for (std::int64_t i = 0; i < options.restarts; ++i) {
    Rng rng(options.seed, {static_cast<std::uint64_t>(i)});
    Clusters found = once(given, norms, possible, rng);
    if (found.objective < best.objective) best = std::move(found);
  }
  CHIARO_CHECK(best.centroids.defined(), CheckFailed,
               "[nn.kmeans] the points are not finite; nothing can be clustered");
  Clusters result = without_empty(best, given, norms);
  result.centroids = result.centroids.to(points.device());
  result.owner = result.owner.to(points.device());
  return result;
}

}  // namespace chiaro::nn
