#include "chiaro/methods/drift_guard.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "chiaro/base/error.h"

namespace chiaro::methods {
namespace {

constexpr double kDriftMemory = 0.98;  // of the running mean, a step

}  // namespace

DriftGuard::DriftGuard(double limit)
    : limit_(limit), drift_(register_buffer("drift", at::zeros({3}, at::kDouble))) {}

void DriftGuard::add(const at::Tensor& taken) {
  sum_ += taken.mean().item<double>();
  ++micro_batches_;
}

void DriftGuard::end_step() {
  const double mean = micro_batches_ > 0 ? sum_ / static_cast<double>(micro_batches_) : 0;
  const bool seen = micro_batches_ > 0;
  sum_ = 0;
  micro_batches_ = 0;
  if (!seen || limit_ <= 0) return;
  const auto stored = [&](std::int64_t i) { return drift_[i].item<double>(); };
  const bool settling = stored(2) < kSettling;
  const double first = settling ? stored(0) + mean / kSettling : stored(0);
  const double now = settling ? first : kDriftMemory * stored(1) + (1 - kDriftMemory) * mean;
  const c10::NoGradGuard no_grad;
  drift_.copy_(at::tensor({first, now, stored(2) + 1}, at::kDouble));
  CHIARO_CHECK(settling || std::abs(now - first) <= limit_, CheckFailed,
               "[methods.nlcl] the mean of what is taken away has drifted from {:.4f} to {:.4f}, "
               "on the scale from -1 to 1; expected a drift of at most {} (method.drift_limit)",
               first, now, limit_);
}

}  // namespace chiaro::methods
