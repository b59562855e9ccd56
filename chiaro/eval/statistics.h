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
/// two groups exist. The same values in the same order, groups and seed give the same interval on
/// every machine. Errors: Usage (unequal lengths).
std::optional<Interval> bootstrap_mean(std::span<const double> values,
                                       std::span<const std::string> groups,
                                       const BootstrapOptions& options = {});

}  // namespace chiaro::eval
