#include "chiaro/eval/statistics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/base/rng.h"

namespace chiaro::eval {
namespace {

struct GroupSum {
  double sum = 0;
  double count = 0;
};

/// P(|T| <= t) for t >= 0.
double central_probability(double t, int degrees) {
  const double theta = std::atan(t / std::sqrt(static_cast<double>(degrees)));
  const double cosine = std::cos(theta);
  const bool odd = degrees % 2 == 1;
  double term = odd ? cosine : 1;
  double sum = degrees == 1 ? 0 : term;
  for (int k = odd ? 3 : 2; k <= degrees - 2; k += 2) {
    term *= cosine * cosine * (k - 1) / k;
    sum += term;
  }
  return odd ? 2 / std::numbers::pi * (theta + std::sin(theta) * sum) : std::sin(theta) * sum;
}

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
    if (std::isnan(means.back())) return std::nullopt;  // infinite both ways
  }
  std::sort(means.begin(), means.end());
  // Nearest rank: interpolating between infinities would give NaN.
  const auto rank = [&](double quantile) {
    return means[static_cast<std::size_t>(
        std::lround(quantile * static_cast<double>(means.size() - 1)))];
  };
  return Interval{rank(0.025), rank(0.975)};
}

double student_t_quantile(double probability, int degrees) {
  CHIARO_CHECK(probability > 0 && probability < 1, Usage,
               "[eval.student_t_quantile] got probability {}; expected one inside (0, 1)",
               probability);
  CHIARO_CHECK(degrees >= 1, Usage,
               "[eval.student_t_quantile] got {} degrees of freedom; expected at least 1", degrees);
  const double central = std::abs(2 * probability - 1);
  double low = 0;
  double high = 1;
  while (central_probability(high, degrees) < central && high < 1e300) high *= 2;
  for (int i = 0; i < 200 && low < high; ++i) {
    const double middle = low + (high - low) / 2;
    (central_probability(middle, degrees) < central ? low : high) = middle;
  }
  return probability < 0.5 ? -high : high;
}

std::optional<Interval> student_t_mean(std::span<const double> values) {
  if (values.size() < 2) return std::nullopt;
  const auto n = static_cast<double>(values.size());
  const double centre = mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - centre) * (value - centre);
  const double half = student_t_quantile(0.975, static_cast<int>(values.size()) - 1) *
                      std::sqrt(squares / (n - 1) / n);
  return Interval{centre - half, centre + half};
}

}  // namespace chiaro::eval
