// What a method says of the health of its contrasts.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "chiaro/losses/contrast_health.h"
#include "chiaro/methods/method.h"

namespace chiaro::methods {

/// Adds the meters of a contrast, as NAME_loss, NAME_collapsed, …; and, in training, to `watch`,
/// whose lasting faults become warnings that begin with `said`; what the very first batch lacks,
/// whatever the weights, becomes a remark. Without gradients, as on held-out batches, the watch
/// learns nothing.
void report_health(const losses::ContrastHealth& health, losses::ContrastWatch& watch,
                   Losses& result, const std::string& name = "contrast",
                   const std::string& said = "");

/// Adds, as NAME_nearest_KIND, the share of right neighbours among the queries that have a kind of
/// damage; of kinds that no query has which counts, nothing. kinds: (Q,K) bool, or undefined where
/// the data has no labels; names: of the K kinds; of fewer than two nothing is added.
void report_nearest(const losses::ContrastHealth& health, const at::Tensor& kinds,
                    const std::vector<std::string>& names, Losses& result,
                    const std::string& name = "contrast");

/// A contrast, with all that is needed to judge it. Q queries, K candidates.
struct Contrast {
  at::Tensor logits;             ///< (Q,K), divided by the temperature
  at::Tensor positives;          ///< (Q,K) bool
  at::Tensor candidates;         ///< (Q,K) bool
  at::Tensor query_labels = {};  ///< (Q) int64: what a representation can know at most of a query,
  at::Tensor key_labels = {};    ///< (K) int64: and of a candidate; undefined: no two are alike
  losses::Embedded embedded = {};
  at::Tensor kinds = {};  ///< (Q,C) bool: damage of the queries; undefined: not known
};

/// losses::info_nce of it.
at::Tensor value_of(const Contrast& contrast);

/// Both reports above; kind_names: of the C kinds.
void report_contrast(const Contrast& contrast, const std::vector<std::string>& kind_names,
                     losses::ContrastWatch& watch, Losses& result,
                     const std::string& name = "contrast", const std::string& said = "");

/// How the selection of negatives fares where kinds are known: "dropped", the share of all that are
/// dropped, "dropped_same_kind", of those with the query's kind, and "kept_other_kind", the share
/// of other kinds among those kept; means over levels. selection: (N,Q) bool for each level, true:
/// kept; same: (N,n) bool, whether the first n <= Q have the query's kind.
void report_selection(const std::vector<at::Tensor>& selection, const at::Tensor& same,
                      Losses& result);

}  // namespace chiaro::methods
