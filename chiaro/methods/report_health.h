// What a method says of the health of its contrasts.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "chiaro/losses/contrast_health.h"
#include "chiaro/methods/method.h"

namespace chiaro::methods {

/// Adds the meters of a contrast, as NAME_loss, NAME_collapsed, …; and, in training, to `watch`,
/// whose lasting faults become warnings that begin with `said`. Without gradients, as on held-out
/// batches, the watch learns nothing.
void report_health(const losses::ContrastHealth& health, losses::ContrastWatch& watch,
                   Losses& result, const std::string& name = "contrast",
                   const std::string& said = "");

/// How the selection of negatives fares where kinds are known: "dropped", the share of all that are
/// dropped, "dropped_same_kind", of those with the query's kind, and "kept_other_kind", the share
/// of other kinds among those kept; means over levels. selection: (N,Q) bool for each level, true:
/// kept; same: (N,n) bool, whether the first n <= Q have the query's kind.
void report_selection(const std::vector<at::Tensor>& selection, const at::Tensor& same,
                      Losses& result);

}  // namespace chiaro::methods
