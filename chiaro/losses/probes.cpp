#include "chiaro/losses/probes.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "chiaro/base/error.h"

namespace chiaro::losses {
namespace {

constexpr double kVoteTemperature = 0.07;

/// Cosines, −∞ where one may not ask.
at::Tensor allowed_cosines(const at::Tensor& codes, const at::Tensor& labels,
                           const at::Tensor& allowed) {
  const auto count = codes.size(0);
  CHIARO_CHECK(
      codes.dim() == 2 && labels.sizes() == at::IntArrayRef{count} &&
          allowed.sizes() == at::IntArrayRef({count, count}) && allowed.scalar_type() == at::kBool,
      Internal, "[losses.neighbour_probe] expected codes (N,D), labels (N), allowed (N,N) bool");
  const auto z = codes.to(at::kDouble);
  const auto others = at::eye(count, allowed.options()).logical_not().logical_and(allowed);
  return at::matmul(z, z.t()).masked_fill(others.logical_not(),
                                          -std::numeric_limits<double>::infinity());
}

}  // namespace

at::Tensor ridge_regression(const at::Tensor& train, const at::Tensor& targets,
                            const at::Tensor& asked, double ridge) {
  CHIARO_CHECK(train.dim() == 2 && targets.dim() == 2 && asked.dim() == 2 &&
                   targets.size(0) == train.size(0) && asked.size(1) == train.size(1),
               Internal,
               "[losses.ridge_regression] expected codes (n,D), targets (n,T), codes (m,D)");
  CHIARO_CHECK(train.size(0) > 0, Usage,
               "[losses.ridge_regression] there are no codes to learn from");
  const c10::NoGradGuard no_grad;
  const auto x = train.to(at::kDouble);
  const auto t = targets.to(at::kDouble);
  const auto centre = x.mean(0, /*keepdim=*/true);
  const auto scale = (x - centre).square().mean(0, /*keepdim=*/true).sqrt().clamp_min(1e-9);
  const auto a = (x - centre) / scale;
  const auto offset = t.mean(0, /*keepdim=*/true);
  const auto n = static_cast<double>(x.size(0));
  const auto gram = at::matmul(a.t(), a) + ridge * n * at::eye(x.size(1), x.options());
  const auto weights = at::linalg_solve(gram, at::matmul(a.t(), t - offset));
  return at::matmul((asked.to(at::kDouble) - centre) / scale, weights) + offset;
}

at::Tensor linear_probe(const at::Tensor& train, const at::Tensor& labels, const at::Tensor& asked,
                        double ridge) {
  const auto known = labels.numel() == 0 ? 1 : labels.max().item<std::int64_t>() + 1;
  return ridge_regression(train, at::one_hot(labels, known), asked, ridge).argmax(1);
}

at::Tensor neighbour_probe(const at::Tensor& codes, const at::Tensor& labels,
                           const at::Tensor& allowed, std::int64_t k) {
  CHIARO_CHECK(k >= 1, Usage, "[losses.neighbour_probe] {} neighbours; expected 1 or more", k);
  const c10::NoGradGuard no_grad;
  const auto cosines = allowed_cosines(codes, labels, allowed);
  const auto [nearest, places] = cosines.topk(std::min(k, codes.size(0)), 1);
  const auto votes = (nearest / kVoteTemperature).exp();  // of those not allowed: 0
  const auto known = labels.max().item<std::int64_t>() + 1;
  const auto sums =
      at::zeros({codes.size(0), known}, votes.options())
          .scatter_add(1, labels.index_select(0, places.reshape(-1)).view_as(places), votes);
  return at::where(votes.sum(1).gt(0), sums.argmax(1), at::full_like(labels, -1));
}

double retrieval_at_one(const at::Tensor& codes, const at::Tensor& labels,
                        const at::Tensor& allowed) {
  const c10::NoGradGuard no_grad;
  const auto cosines = allowed_cosines(codes, labels, allowed);
  const auto same = labels.unsqueeze(0).eq(labels.unsqueeze(1));
  const auto reachable = same.logical_and(cosines.isfinite()).any(1);
  const auto found = same.gather(1, cosines.argmax(1, /*keepdim=*/true)).squeeze(1);
  return found.masked_select(reachable).to(at::kDouble).mean().item<double>();
}

ProbeScore probe_score(const at::Tensor& answers, const at::Tensor& labels, std::int64_t count) {
  CHIARO_CHECK(answers.dim() == 1 && answers.sizes() == labels.sizes(), Internal,
               "[losses.probe_score] expected answers and labels (m)");
  CHIARO_CHECK(count >= 2, Usage, "[losses.probe_score] {} labels; expected 2 or more", count);
  const auto given = answers.ge(0);
  ProbeScore score;
  score.asked = given.sum().item<std::int64_t>();
  CHIARO_CHECK(score.asked > 0, Usage, "[losses.probe_score] nobody could be asked");
  score.accuracy = answers.eq(labels).masked_select(given).to(at::kDouble).mean().item<double>();
  const auto n = static_cast<double>(score.asked);
  score.band = 1.96 * std::sqrt(score.accuracy * (1 - score.accuracy) / n);
  const double chance = 1.0 / static_cast<double>(count);
  score.normalised = (score.accuracy - chance) / (1 - chance);
  return score;
}

}  // namespace chiaro::losses
