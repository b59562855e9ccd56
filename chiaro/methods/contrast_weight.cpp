#include "chiaro/methods/contrast_weight.h"

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "chiaro/base/error.h"

namespace chiaro::methods {
namespace {

constexpr double kLargestDrift = 10;

std::int64_t horizon_steps(std::int64_t total_steps) {
  return std::clamp<std::int64_t>(total_steps / 20, 10, 1000);
}

}  // namespace

ContrastWeight::ContrastWeight(const ContrastWeightOptions& options) : options_(options) {
  averages_ = register_buffer("averages", at::zeros({2}, at::kDouble));
  start_ = register_buffer("start", at::zeros({1}, at::kDouble));
  last_ = register_buffer("last", at::full({1}, options.lambda, at::kDouble));
  counts_ = register_buffer("counts", at::zeros({2}, at::kLong));
}

double ContrastWeight::lambda() const {
  return options_.share > 0 ? last_.item<double>() : options_.lambda;
}

void ContrastWeight::Sums::add(double reconstruction, double contrast) {
  pull += reconstruction;
  push += contrast;
  ++count;
}

void ContrastWeight::measure(double reconstruction, double contrast) {
  if (options_.share <= 0) return;
  CHIARO_CHECK(reconstruction > 0, Usage,
               "[methods.contrast_weight] share needs a positive reconstruction loss; got {}; "
               "expected another loss than psnr, or share = 0 with lambda",
               reconstruction);
  measured_.add(reconstruction, contrast);
}

void ContrastWeight::watch(double reconstruction, double subtracted) {
  watched_.add(reconstruction, subtracted);
}

void ContrastWeight::after_step(std::int64_t step, std::int64_t measured_steps,
                                std::int64_t total_steps) {
  if (measured_.count > 0) average(horizon_steps(measured_steps));
  if (watched_.count > 0) {
    guard(step, options_.guard_steps > 0 ? options_.guard_steps : horizon_steps(total_steps));
  }
  measured_ = {};
  watched_ = {};
}

void ContrastWeight::average(std::int64_t horizon) {
  const double keep = 1.0 - 1.0 / static_cast<double>(horizon);
  const double part = (1 - keep) / static_cast<double>(measured_.count);
  // Both averages start at 0 and lack the same factor, which their ratio does not have.
  averages_[0].mul_(keep).add_(part * measured_.pull);
  averages_[1].mul_(keep).add_(part * measured_.push);
  counts_[0].add_(1);
  const double average_contrast = averages_[1].item<double>();
  if (average_contrast <= 0) return;
  const double wanted = options_.share * averages_[0].item<double>() / average_contrast;
  const double start = start_.item<double>();
  if (start > 0) {
    last_.fill_(std::clamp(wanted, start / kLargestDrift, start * kLargestDrift));
  } else if (counts_[0].item<std::int64_t>() >= horizon) {
    start_.fill_(wanted);
    last_.fill_(wanted);
  }
}

void ContrastWeight::guard(std::int64_t step, std::int64_t allowed) {
  if (watched_.pull <= 0 || watched_.push <= options_.guard_share * watched_.pull) {
    counts_[1].zero_();
    return;
  }
  counts_[1].add_(1);
  const auto in_a_row = counts_[1].item<std::int64_t>();
  const auto micro_batches = static_cast<double>(watched_.count);
  CHIARO_CHECK(in_a_row < allowed, CheckFailed,
               "[methods.contrast_weight] the negative term has taken over; got λ·L_neg = {:.3g} "
               "against L_rec = {:.3g} in step {}, above {} of it for {} steps; expected a smaller "
               "lambda, or share = 0.03 to have it set",
               watched_.push / micro_batches, watched_.pull / micro_batches, step,
               options_.guard_share, in_a_row);
}

}  // namespace chiaro::methods
