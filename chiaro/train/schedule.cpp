#include "chiaro/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace chiaro::train {
namespace {

/// From `from` (u = 0) to `to` (u = 1) along half a cosine.
double cosine_between(double from, double to, double u) {
  return to + (from - to) * 0.5 * (1 + std::cos(std::numbers::pi * std::clamp(u, 0.0, 1.0)));
}

}  // namespace

double learning_rate(const TrainOptions& options, std::int64_t step, std::int64_t steps) {
  const double peak = options.learning_rate;
  const std::int64_t warmup = std::min(options.warmup_steps, steps);
  if (step < warmup) {
    const double u = static_cast<double>(step + 1) / static_cast<double>(warmup);
    return options.schedule == "one_cycle" ? cosine_between(0, peak, u) : peak * u;
  }
  const std::int64_t after = step - warmup;
  if (options.schedule == "constant") return peak;
  if (options.schedule == "step")
    return peak * std::pow(0.5, static_cast<double>(after / options.halve_every));
  return cosine_between(
      peak, options.final_rate,
      static_cast<double>(after) / static_cast<double>(std::max<std::int64_t>(1, steps - warmup)));
}

}  // namespace chiaro::train
