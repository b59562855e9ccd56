// Means with their uncertainty.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace chiaro::eval {

struct Interval {
  double low = 0;
  double high = 0;
};

struct BootstrapOptions {
  std::uint64_t seed = 0;
  int resamples = 2000;
};

/// Arithmetic mean; +infinity if a value is. `values` is not empty.
double mean(std::span<const double> values);

/// 95 % percentile interval of the mean, by drawing whole groups (scenes) with replacement:
/// pictures of one scene are not independent. One group name per value. Nothing where fewer than
/// two groups exist or where infinities of both signs meet. The same values in the same order,
/// groups and seed give the same interval on every machine. Errors: Usage (unequal lengths).
std::optional<Interval> bootstrap_mean(std::span<const double> values,
                                       std::span<const std::string> groups,
                                       const BootstrapOptions& options = {});

/// The quantile of Student's t distribution with `degrees` (>= 1) degrees of freedom: P(T <= t) =
/// `probability`, in (0, 1). From the finite series for whole degrees of freedom (Abramowitz &
/// Stegun, 26.7.3 and 26.7.4), inverted by bisection to about 1e-12 of the value. Errors: Usage.
double student_t_quantile(double probability, int degrees);

/// 95 % interval of the mean of n independent values: mean ± t(0.975, n − 1)·s/√n, with s² over n −
/// 1. Exact where the values are normally distributed. Nothing for fewer than two values. Paired
/// comparisons pass the differences of the pairs.
std::optional<Interval> student_t_mean(std::span<const double> values);

}  // namespace chiaro::eval
