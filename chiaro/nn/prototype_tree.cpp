#include "chiaro/nn/prototype_tree.h"

#include <ATen/ATen.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <algorithm>
#include <string>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/rng.h"
#include "chiaro/nn/kmeans.h"
#include "chiaro/nn/layers.h"

namespace chiaro::nn {
namespace {

constexpr double kLeastTemperature = 1e-3;
constexpr double kMostKept = 0.999;
constexpr double kFloorQuantile = 0.05;

/// Sum of rows by owner: (n,…) → (M,…).
at::Tensor sums(const at::Tensor& rows, const at::Tensor& owner, std::int64_t clusters) {
  auto shape = rows.sizes().vec();
  shape[0] = clusters;
  return at::zeros(shape, rows.options()).index_add_(0, owner, rows);
}

/// Leaves out clusters with fewer members than wanted; if no cluster is large enough, none goes.
Clusters without_small(Clusters found, const at::Tensor& points, std::int64_t least) {
  const auto large = at::bincount(found.owner, {}, found.centroids.size(0)).ge(least);
  if (least <= 1 || !large.any().item<bool>()) return found;
  found.centroids = found.centroids.index_select(0, large.nonzero().view(-1));
  found.owner = square_distances(points, found.centroids).argmin(1);
  return found;
}

void put(at::Tensor& buffer, const at::Tensor& rows) {
  buffer.zero_();
  buffer.narrow(0, 0, rows.size(0)).copy_(rows);
}

}  // namespace

at::Tensor concentration(const at::Tensor& distances, const at::Tensor& owner,
                         std::int64_t clusters, double temperature) {
  const auto d = distances.to(at::kDouble);
  const auto count = sums(at::ones_like(d), owner, clusters);
  const auto several = count.gt(1);
  const auto even = at::full({clusters}, temperature, d.options()).to(at::kFloat);
  if (!several.any().item<bool>()) return even;
  auto phi = sums(d, owner, clusters) / count.clamp_min(1) / (count + 10).log();
  phi = at::where(several, phi, phi.masked_select(several).max());
  phi = at::clamp(phi, at::quantile(phi, 0.1), at::quantile(phi, 0.9));
  const auto mean = phi.mean();
  if (mean.item<double>() <= 0) return even;
  return (temperature * phi / mean).to(at::kFloat);
}

at::Tensor keep_probability(const at::Tensor& candidates, const at::Tensor& prototypes,
                            const at::Tensor& temperatures, const at::Tensor& owner,
                            double lowest) {
  const c10::impl::ExcludeDispatchKeyGuard full_precision(c10::autocast_dispatch_keyset);
  const auto membership = at::softmax(
      at::matmul(candidates, prototypes.t()) / temperatures.clamp_min(kLeastTemperature), 1);
  return at::rsub(membership.t().index_select(0, owner), 1).clamp(lowest, kMostKept);
}

PrototypeTree::PrototypeTree(TreeOptions options, std::int64_t dimension, std::int64_t attributes)
    : options_(std::move(options)), dimension_(dimension) {
  CHIARO_CHECK(!options_.prototypes.empty() && options_.prototypes.back() >= 1 &&
                   std::ranges::is_sorted(options_.prototypes.rbegin(), options_.prototypes.rend()),
               Usage,
               "[nn.prototype_tree] got {} levels of ({}) prototypes; expected at least one level, "
               "and none with more prototypes than the one below it",
               options_.prototypes.size(), fmt::join(options_.prototypes, ", "));
  for (std::size_t l = 0; l < options_.prototypes.size(); ++l) {
    const std::int64_t most = options_.prototypes[l];
    const auto buffer = [&](const char* name, at::IntArrayRef shape, at::ScalarType type) {
      return register_buffer(name + std::to_string(l), at::zeros(shape, at::TensorOptions(type)));
    };
    level_.push_back(
        {buffer("count", {1}, at::kLong), buffer("centroids", {most, dimension}, at::kFloat),
         buffer("temperatures", {most}, at::kFloat), buffer("parents", {most}, at::kLong),
         buffer("attributes", {most, attributes}, at::kFloat)});
  }
  floors_ = register_buffer("floors", at::zeros({levels()}, at::TensorOptions(at::kFloat)));
}

void PrototypeTree::build(const at::Tensor& codes, const at::Tensor& attributes,
                          std::uint64_t seed) {
  CHIARO_CHECK(codes.dim() == 2 && codes.size(0) >= 1 && codes.size(1) == dimension_ &&
                   attributes.dim() == 2 && attributes.size(0) == codes.size(0) &&
                   attributes.size(1) == level_[0].attributes.size(1),
               Internal, "[nn.prototype_tree] expected codes (N,{}) and attributes (N,{})",
               dimension_, level_[0].attributes.size(1));
  const at::NoGradGuard no_grad;
  at::Tensor points = codes.to(at::kFloat);
  at::Tensor owner;  // of each code on this level
  std::vector<at::Tensor> floors;
  for (std::int64_t l = 0; l < levels(); ++l) {
    Level& level = level_[static_cast<std::size_t>(l)];
    const std::int64_t most =
        std::min(level.centroids.size(0), std::max<std::int64_t>(1, points.size(0) / 2));
    Clusters found = kmeans(points, {.clusters = most,
                                     .iterations = options_.iterations,
                                     .restarts = options_.restarts,
                                     .seed = Rng(seed, {static_cast<std::uint64_t>(l)}).next()});
    if (l == 0) found = without_small(std::move(found), points, options_.least_members);
    const std::int64_t count = found.centroids.size(0);
    const auto distances = (points - found.centroids.index_select(0, found.owner)).norm(2, 1);
    level.count.fill_(count);
    put(level.centroids, found.centroids);
    put(level.temperatures,
        options_.common_temperature
            ? at::full({count}, options_.temperature, distances.options())
            : concentration(distances, found.owner, count, options_.temperature));
    if (l > 0) put(level_[static_cast<std::size_t>(l - 1)].parents, found.owner);
    owner = l == 0 ? found.owner : found.owner.index_select(0, owner);
    const auto members = sums(at::ones_like(owner, at::kFloat), owner, count).clamp_min(1);
    put(level.attributes, sums(attributes, owner, count) / members.unsqueeze(1));
    points = unit_rows(found.centroids);
    const auto cosine = (codes * points.index_select(0, owner)).sum(1);
    floors.push_back(at::quantile(cosine, kFloorQuantile).to(at::kFloat));
  }
  floors_.copy_(at::stack(floors));
}

bool PrototypeTree::built() const {
  return rows(0) > 0;
}

const PrototypeTree::Level& PrototypeTree::at_level(std::int64_t level) const {
  return level_.at(static_cast<std::size_t>(level));
}

std::int64_t PrototypeTree::rows(std::int64_t level) const {
  return at_level(level).count.item<std::int64_t>();
}

at::Tensor PrototypeTree::centroids(std::int64_t level) const {
  return at_level(level).centroids.narrow(0, 0, rows(level));
}

at::Tensor PrototypeTree::prototypes(std::int64_t level) const {
  return unit_rows(centroids(level));
}

at::Tensor PrototypeTree::temperatures(std::int64_t level) const {
  return at_level(level).temperatures.narrow(0, 0, rows(level));
}

at::Tensor PrototypeTree::parents(std::int64_t level) const {
  return at_level(level).parents.narrow(0, 0, rows(level));
}

at::Tensor PrototypeTree::attributes(std::int64_t level) const {
  return at_level(level).attributes.narrow(0, 0, rows(level));
}

at::Tensor PrototypeTree::floors() const {
  return floors_;
}

at::Tensor PrototypeTree::path(const at::Tensor& codes) const {
  CHIARO_CHECK(built(), Internal, "[nn.prototype_tree] the tree has not been built");
  std::vector<at::Tensor> steps = {square_distances(codes, centroids(0)).argmin(1)};
  for (std::int64_t l = 1; l < levels(); ++l)
    steps.push_back(parents(l - 1).index_select(0, steps.back()));
  return at::stack(steps, 1);
}

at::Tensor PrototypeTree::membership(const at::Tensor& codes, std::int64_t level) const {
  CHIARO_CHECK(built(), Internal, "[nn.prototype_tree] the tree has not been built");
  const c10::impl::ExcludeDispatchKeyGuard full_precision(c10::autocast_dispatch_keyset);
  return at::softmax(
      at::matmul(codes, prototypes(level).t()) / temperatures(level).clamp_min(kLeastTemperature),
      1);
}

at::Tensor PrototypeTree::soft_path(const at::Tensor& codes) const {
  std::vector<at::Tensor> parts;
  for (std::int64_t l = 0; l < levels(); ++l)
    parts.push_back(at::matmul(membership(codes, l), prototypes(l)));
  return at::cat(parts, 1);
}

at::Tensor PrototypeTree::known_level(const at::Tensor& codes) const {
  const auto steps = path(codes);
  auto known = at::full({codes.size(0)}, levels(), steps.options());
  for (std::int64_t l = levels(); l-- > 0;) {
    const auto cosine = (codes * prototypes(l).index_select(0, steps.select(1, l))).sum(1);
    known = at::where(cosine.ge(floors_[l]), at::full_like(known, l), known);
  }
  return known;
}

}  // namespace chiaro::nn
