#include "chiaro/losses/contrast_health.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "chiaro/base/error.h"
#include "chiaro/losses/info_nce.h"

namespace chiaro::losses {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kEqualLogits = 1e-2;       // spread in nats below which a row is one value
constexpr double kOnePoint = 1e-4;          // of unit embeddings: root mean square from their mean
constexpr double kShareOfTheWay = 0.01;     // from collapse to floor: less counts as none
constexpr std::int64_t kExactDistance = 2;  // cdist: no matrix product, which loses small ones
constexpr double kErrors = 2;               // standard errors that a difference must exceed

double mean_of(const at::Tensor& values, const at::Tensor& rows) {
  return values.to(at::kDouble).masked_select(rows).mean().item<double>();
}

/// Root mean square, over queries, of the deviation of a query's logits over its candidates.
double spread(const at::Tensor& logits, const at::Tensor& candidates, const at::Tensor& rows) {
  const auto count = candidates.sum(1, true).clamp_min(1);
  const auto kept = logits.masked_fill(candidates.logical_not(), 0);
  const auto mean = kept.sum(1, true) / count;
  const auto square = (logits - mean).square().masked_fill(candidates.logical_not(), 0);
  return std::sqrt(mean_of(square.sum(1) / count.squeeze(1), rows));
}

/// Deviation over queries of the loss of one query.
double loss_deviation(const at::Tensor& logits, const at::Tensor& positives,
                      const at::Tensor& candidates, const at::Tensor& rows) {
  const auto log_sum = logits.masked_fill(candidates.logical_not(), -kInfinity).logsumexp(1);
  const auto log_share = logits.masked_fill(positives.logical_not(), 0).sum(1) / positives.sum(1);
  return (log_sum - log_share).masked_select(rows).std(/*unbiased=*/false).item<double>();
}

/// Embeddings of queries and keys, scaled, in double precision.
Embedded scaled(const Embedded& given) {
  const auto wide = [](const at::Tensor& rows) { return rows.detach().to(at::kDouble); };
  const auto queries = wide(given.queries);
  const auto keys = given.keys.defined() ? wide(given.keys) : queries;
  const auto size = [&](const at::Tensor& rows) {
    return given.scale == Scale::Each ? rows.norm(2, 1, /*keepdim=*/true)
                                      : queries.square().sum(1).mean().sqrt();
  };
  return {at::nan_to_num(queries / size(queries)), at::nan_to_num(keys / size(keys))};
}

void judge_embeddings(const Embedded& embedded, const at::Tensor& positives,
                      ContrastHealth& health) {
  const Embedded here = scaled(embedded);
  const at::Tensor& queries = here.queries;
  const auto square = [&](const at::Tensor& keys) {
    return at::cdist(queries, keys, 2, kExactDistance).square();
  };
  health.alignment = square(here.keys).masked_select(positives).mean().item<double>();
  const auto others = at::eye(queries.size(0), positives.options()).logical_not();
  health.uniformity =
      (-2 * square(queries)).exp().masked_select(others).mean().log().item<double>();
  const auto centred = queries - queries.mean(0, true);
  if (centred.square().sum(1).mean().sqrt().item<double>() < kOnePoint) {
    health.effective_rank = 0;
    return;
  }
  const auto singular = at::linalg_svdvals(centred);
  const auto share = singular / singular.sum();
  health.effective_rank = (-at::special_xlogy(share, share).sum()).exp().item<double>();
}

/// What a verdict rests on beside the values that are reported.
struct Evidence {
  double spread;         // of the logits of a query
  double loss_error;     // standard error of the mean over queries
  double nearest_error;  // standard deviation of the share of right neighbours under guessing
};

void judge(const Evidence& evidence, ContrastHealth& health) {
  const double room = health.collapsed - health.floor;
  const double least_gain = std::max(kShareOfTheWay * room, kErrors * evidence.loss_error);
  const bool better = health.loss < health.collapsed - least_gain;
  const bool found = health.nearest > health.chance + kErrors * evidence.nearest_error;
  if (room < 1e-6) {
    health.verdict = ContrastVerdict::OneLabel;
    health.reason = fmt::format(
        "one label only: every candidate carries the label of its query, so the loss cannot fall "
        "below {:.3f}, its value at equal logits (now {:.3f})",
        health.floor, health.loss);
  } else if (evidence.spread < kEqualLogits || health.effective_rank.value_or(kInfinity) == 0) {
    health.verdict = ContrastVerdict::Collapsed;
    health.reason = fmt::format(
        "collapsed: the loss is {:.3f} where equal logits give {:.3f} and the labels allow {:.3f}; "
        "the logits of a query differ by {:.2g}",
        health.loss, health.collapsed, health.floor, evidence.spread);
  } else if (!better && !found) {
    health.verdict = ContrastVerdict::AtChance;
    health.reason = fmt::format(
        "at chance: the loss is {:.3f} where equal logits give {:.3f}, and {:.1f} % of the nearest "
        "are right where guessing gives {:.1f} %",
        health.loss, health.collapsed, 100 * health.nearest, 100 * health.chance);
  } else if (!better) {
    health.verdict = ContrastVerdict::Overconfident;
    health.reason = fmt::format(
        "overconfident: {:.1f} % of the nearest are right, yet the loss is {:.3f} where equal "
        "logits give {:.3f}; the temperature is too low",
        100 * health.nearest, health.loss, health.collapsed);
  } else {
    health.reason = fmt::format("healthy: the loss is {:.3f}, between {:.3f} and {:.3f}",
                                health.loss, health.floor, health.collapsed);
  }
}

}  // namespace

std::vector<std::pair<std::string, double>> ContrastHealth::meters() const {
  std::vector<std::pair<std::string, double>> list = {{"contrast_loss", loss},
                                                      {"contrast_collapsed", collapsed},
                                                      {"contrast_floor", floor},
                                                      {"contrast_nearest", nearest}};
  if (alignment) list.emplace_back("contrast_alignment", *alignment);
  if (uniformity) list.emplace_back("contrast_uniformity", *uniformity);
  if (effective_rank) list.emplace_back("contrast_rank", *effective_rank);
  return list;
}

ContrastHealth contrast_health(const at::Tensor& logits, const at::Tensor& positives,
                               const at::Tensor& candidates, const at::Tensor& query_labels,
                               const at::Tensor& key_labels, const Embedded& embedded) {
  const c10::NoGradGuard no_grad;
  ContrastHealth health;
  health.loss = info_nce(logits, positives, candidates).item<double>();
  health.found = at::full({logits.size(0)}, kNone, logits.options().dtype(at::kDouble));
  CHIARO_CHECK(query_labels.sizes() == at::IntArrayRef{logits.size(0)} &&
                   key_labels.sizes() == at::IntArrayRef{logits.size(1)},
               Internal, "[losses.contrast_health] expected a label for each query and each key");
  const auto z = logits.to(at::kDouble);
  const auto count = candidates.sum(1);
  const auto own = positives.sum(1);
  const auto rows = own.gt(0).logical_and(count.gt(own));
  if (!rows.any().item<bool>()) {
    health.verdict = ContrastVerdict::NoNegatives;
    health.reason = "no negatives: no query has both a positive and another candidate";
    return health;
  }
  const auto same = query_labels.unsqueeze(1).eq(key_labels.unsqueeze(0)).logical_or(positives);
  health.loss = info_nce(z, positives.logical_and(rows.unsqueeze(1)), candidates).item<double>();
  health.collapsed = mean_of(count.to(at::kDouble).log(), rows);
  health.floor = mean_of(same.logical_and(candidates).sum(1).to(at::kDouble).log(), rows);
  const auto best = z.masked_fill(candidates.logical_not(), -kInfinity).argmax(1, true);
  const auto right = positives.gather(1, best).squeeze(1);
  health.nearest = mean_of(right, rows);
  health.chance = mean_of(own.to(at::kDouble) / count.clamp_min(1), rows);
  health.found = right.to(at::kDouble).masked_fill(rows.logical_not(), kNone);
  if (embedded.queries.defined()) {
    const auto& keys = embedded.keys.defined() ? embedded.keys : embedded.queries;
    CHIARO_CHECK(embedded.queries.dim() == 2 && embedded.queries.size(0) == logits.size(0) &&
                     keys.dim() == 2 && keys.size(0) == logits.size(1) &&
                     keys.size(1) == embedded.queries.size(1),
                 Internal,
                 "[losses.contrast_health] expected embeddings (Q,D) of the queries and (K,D) of "
                 "the keys");
    judge_embeddings(embedded, positives, health);
  }
  const auto queries = static_cast<double>(rows.sum().item<std::int64_t>());
  judge({.spread = spread(z, candidates, rows),
         .loss_error = loss_deviation(z, positives, candidates, rows) / std::sqrt(queries),
         .nearest_error = std::sqrt(health.chance * (1 - health.chance) / queries)},
        health);
  return health;
}

ContrastWatch::ContrastWatch(std::int64_t patience) : patience_(patience) {
  in_a_row_ = register_buffer("in_a_row", at::full({}, -1, at::kLong));
}

bool ContrastWatch::fresh() const {
  return in_a_row_.item<std::int64_t>() < 0;
}

std::optional<std::string> ContrastWatch::observe(const ContrastHealth& health) {
  const c10::NoGradGuard no_grad;
  const bool healthy = health.verdict == ContrastVerdict::Healthy;
  in_a_row_.fill_(healthy ? 0 : std::max<std::int64_t>(in_a_row_.item<std::int64_t>(), 0) + 1);
  if (in_a_row_.item<std::int64_t>() < patience_) return std::nullopt;
  return health.reason;
}

}  // namespace chiaro::losses
