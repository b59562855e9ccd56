#include "chiaro/eval/statistics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/base/rng.h"

namespace chiaro::eval {
namespace {

struct GroupSum {
  double sum = 0;
  double count = 0;
};

}  // namespace

double mean(std::span<const double> values) {
  CHIARO_CHECK(!values.empty(), Internal, "[eval.mean] no values");
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

std::optional<Interval> bootstrap_mean(std::span<const double> values,
                                       std::span<const std::string> groups,
                                       const BootstrapOptions& options) {
  CHIARO_CHECK(values.size() == groups.size(), Usage,
               "[eval.bootstrap_mean] every value needs a group; got {} values and {} groups",
               values.size(), groups.size());
  CHIARO_CHECK(options.resamples >= 100, Usage,
               "[eval.bootstrap_mean] too few resamples; got {}; expected at least 100",
               options.resamples);
  std::map<std::string, std::size_t> places;
  std::vector<GroupSum> sums;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto [found, inserted] = places.emplace(groups[i], sums.size());
    if (inserted) sums.emplace_back();
    sums[found->second].sum += values[i];
    sums[found->second].count += 1;
  }
  if (sums.size() < 2) return std::nullopt;

  Rng rng(options.seed);
  std::vector<double> means;
  means.reserve(static_cast<std::size_t>(options.resamples));
  for (int r = 0; r < options.resamples; ++r) {
    GroupSum drawn;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const auto& group = sums[static_cast<std::size_t>(
          rng.integer(0, static_cast<std::int64_t>(sums.size()) - 1))];
      drawn.sum += group.sum;
      drawn.count += group.count;
    }
    means.push_back(drawn.sum / drawn.count);
  }
  std::sort(means.begin(), means.end());
  // Nearest rank: interpolating between infinities would give NaN.
  const auto rank = [&](double quantile) {
    return means[static_cast<std::size_t>(
        std::lround(quantile * static_cast<double>(means.size() - 1)))];
  };
  return Interval{rank(0.025), rank(0.975)};
}

}  // namespace chiaro::eval
