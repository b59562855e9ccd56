// What a method says of the health of its contrasts.
#pragma once

#include <string>

#include "chiaro/losses/contrast_health.h"
#include "chiaro/methods/method.h"

namespace chiaro::methods {

/// Adds the meters of a contrast, as NAME_loss, NAME_collapsed, …; and, in training, to `watch`,
/// whose lasting faults become warnings that begin with `said`. Without gradients, as on held-out
/// batches, the watch learns nothing.
void report_health(const losses::ContrastHealth& health, losses::ContrastWatch& watch,
                   Losses& result, const std::string& name = "contrast",
                   const std::string& said = "");

}  // namespace chiaro::methods
