#include "chiaro/nn/kmeans.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/base/rng.h"

namespace chiaro::nn {
namespace {

/// `count` of the numbers below `total`, without repetition, in random order.
at::Tensor draw(std::int64_t total, std::int64_t count, Rng& rng) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(total));
  std::iota(order.begin(), order.end(), 0);
  for (std::int64_t i = 0; i < count; ++i)
    std::swap(order[static_cast<std::size_t>(i)],
              order[static_cast<std::size_t>(rng.integer(i, total - 1))]);
  order.resize(static_cast<std::size_t>(count));
  return at::tensor(order, at::kLong);
}

/// Which centroid is nearest, and how far it is, squared.
std::tuple<at::Tensor, at::Tensor> nearest(const at::Tensor& points, const at::Tensor& centroids) {
  const auto [distance, owner] = square_distances(points, centroids).min(1);
  return {distance, owner};
}

at::Tensor members(const at::Tensor& owner, std::int64_t clusters) {
  return at::bincount(owner, {}, clusters);
}

/// The mean of each cluster; an empty one moves onto the point furthest from its centroid.
at::Tensor means(const at::Tensor& points, const at::Tensor& owner, at::Tensor distance,
                 std::int64_t clusters) {
  const auto count = members(owner, clusters).to(at::kCPU);
  auto sums = at::zeros({clusters, points.size(1)}, points.options()).index_add_(0, owner, points);
  sums.div_(count.clamp_min(1).to(points.device()).unsqueeze(1));
  for (std::int64_t c = 0; c < clusters; ++c) {
    if (count[c].item<std::int64_t>() > 0) continue;
    const auto far = distance.argmax().item<std::int64_t>();
    sums[c].copy_(points[far]);
    distance[far] = -1;  // not for the next empty one
  }
  return sums;
}

Clusters once(const at::Tensor& points, const KmeansOptions& options, Rng& rng) {
  auto centroids =
      points.index_select(0, draw(points.size(0), options.clusters, rng).to(points.device()));
  auto [distance, owner] = nearest(points, centroids);
  for (std::int64_t i = 0; i < options.iterations; ++i) {
    centroids = means(points, owner, distance, options.clusters);
    const auto before = owner;
    std::tie(distance, owner) = nearest(points, centroids);
    if (at::equal(before, owner)) break;
  }
  return {centroids, owner, distance.to(at::kDouble).sum().item<double>()};
}

/// Without the clusters that own nothing.
Clusters without_empty(const Clusters& found, const at::Tensor& points) {
  const auto used = members(found.owner, found.centroids.size(0)).gt(0).nonzero().view(-1);
  Clusters kept{found.centroids.index_select(0, used), {}, found.objective};
  kept.owner = std::get<1>(nearest(points, kept.centroids));
  return kept;
}

}  // namespace

at::Tensor square_distances(const at::Tensor& points, const at::Tensor& centroids) {
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
  const auto given = points.to(at::kFloat).contiguous();
  KmeansOptions possible = options;
  possible.clusters = std::min(options.clusters, given.size(0));
  Clusters best;
  best.objective = std::numeric_limits<double>::infinity();
  for (std::int64_t i = 0; i < options.restarts; ++i) {
    Rng rng(options.seed, {static_cast<std::uint64_t>(i)});
    Clusters found = once(given, possible, rng);
    if (found.objective < best.objective) best = std::move(found);
  }
  CHIARO_CHECK(best.centroids.defined(), CheckFailed,
               "[nn.kmeans] the points are not finite; nothing can be clustered");
  return without_empty(best, given);
}

}  // namespace chiaro::nn
