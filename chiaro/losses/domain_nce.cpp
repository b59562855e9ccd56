#include "chiaro/losses/domain_nce.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>

#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/losses/info_nce.h"

namespace chiaro::losses {
namespace {

/// No copy is a negative.
at::Tensor with_copies(const at::Tensor& negatives) {
  return at::constant_pad_nd(negatives, {0, negatives.size(1)}, 0);
}

at::Tensor numbers(std::int64_t count, const at::Tensor& like) {
  return at::arange(count, like.options().dtype(at::kLong));
}

}  // namespace

DomainPairs inside_pairs(const DomainRelations& relations) {
  const auto count = relations.same_domain.size(0);
  const auto queries = numbers(count, relations.same_domain);
  return {queries, queries + count,
          with_copies(relations.same_domain.logical_and(relations.distinct))};
}

DomainPairs across_pairs(const DomainRelations& relations, bool of_positive) {
  const auto pairs = relations.alike.logical_and(relations.same_domain.logical_not()).nonzero();
  const auto queries = pairs.select(1, 0);
  const auto positives = pairs.select(1, 1);
  const auto domain = relations.same_domain.index_select(0, of_positive ? positives : queries);
  const auto distinct = relations.distinct.index_select(0, queries);
  return {queries, positives, with_copies(domain.logical_and(distinct))};
}

DomainPairs with_all_negatives(DomainPairs pairs, const at::Tensor& distinct) {
  pairs.negatives = with_copies(distinct.index_select(0, pairs.queries));
  return pairs;
}

DomainPairs with_equally_many_negatives(DomainPairs pairs, const at::Tensor& distinct,
                                        std::uint64_t seed) {
  const auto wanted = pairs.negatives.sum(1, /*keepdim=*/true);
  pairs = with_all_negatives(std::move(pairs), distinct);
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  const auto lots = at::rand(pairs.negatives.sizes(), generator).to(pairs.negatives.device());
  const auto places = lots.masked_fill(pairs.negatives.logical_not(), 2)
                          .argsort(std::int64_t{1})
                          .argsort(std::int64_t{1});
  pairs.negatives = pairs.negatives.logical_and(places.lt(wanted));
  return pairs;
}

at::Tensor domain_nce(const at::Tensor& logits, const DomainPairs& pairs) {
  CHIARO_CHECK(
      logits.dim() == 2 && pairs.queries.dim() == 1 &&
          pairs.positives.sizes() == pairs.queries.sizes() &&
          pairs.negatives.sizes() == at::IntArrayRef({pairs.queries.size(0), logits.size(1)}) &&
          pairs.negatives.scalar_type() == at::kBool,
      Internal,
      "[losses.domain_nce] expected logits (N,K), queries and positives (M), negatives "
      "(M,K) bool");
  const auto z = logits.scalar_type() == at::kDouble ? logits : logits.to(at::kFloat);
  // Rows without negatives say nothing; the gradient of their logarithm of 0 would not be finite.
  const auto usable = pairs.negatives.any(1).nonzero().squeeze(1);
  if (usable.numel() == 0) return (z * 0).sum();
  const auto rows = z.index_select(0, pairs.queries.index_select(0, usable));
  const auto positive = rows.gather(1, pairs.positives.index_select(0, usable).unsqueeze(1));
  const auto negative = masked_logsumexp(rows, pairs.negatives.index_select(0, usable));
  return at::softplus(negative - positive.squeeze(1)).mean();
}

std::vector<double> domain_uniformity(const at::Tensor& codes, const at::Tensor& domains) {
  CHIARO_CHECK(codes.dim() == 2 && domains.sizes() == at::IntArrayRef{codes.size(0)}, Internal,
               "[losses.domain_uniformity] expected codes (N,D) and domains (N)");
  const c10::NoGradGuard no_grad;
  std::vector<double> values;
  for (const auto& domain : std::get<0>(at::_unique(domains)).split(1)) {
    const auto members = codes.index_select(0, domains.eq(domain).nonzero().squeeze(1));
    if (members.size(0) < 2) continue;
    const auto squares = at::pdist(members.to(at::kDouble)).square();
    values.push_back((-2 * squares).exp().mean().log().item<double>());
  }
  return values;
}

}  // namespace chiaro::losses
