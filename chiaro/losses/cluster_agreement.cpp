#include "chiaro/losses/cluster_agreement.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "chiaro/base/error.h"

namespace chiaro::losses {
namespace {

using Counts = std::map<std::int64_t, double>;

/// What two labelings have in common.
struct Contingency {
  Counts u;
  Counts v;
  std::map<std::pair<std::int64_t, std::int64_t>, double> both;
  double total = 0;
};

Contingency contingency(Labels u, Labels v) {
  CHIARO_CHECK(!u.empty() && u.size() == v.size(), Internal,
               "[losses.cluster_agreement] got {} and {} labels; expected as many, at least one",
               u.size(), v.size());
  Contingency table;
  table.total = static_cast<double>(u.size());
  for (std::size_t i = 0; i < u.size(); ++i) {
    ++table.u[u[i]];
    ++table.v[v[i]];
    ++table.both[{u[i], v[i]}];
  }
  return table;
}

double entropy(const Counts& counts, double total) {
  double sum = 0;
  for (const auto& [label, count] : counts) sum -= count / total * std::log(count / total);
  return sum;
}

double mutual_information(const Contingency& table) {
  double sum = 0;
  for (const auto& [pair, count] : table.both) {
    const double independent = table.u.at(pair.first) * table.v.at(pair.second) / table.total;
    sum += count / table.total * std::log(count / independent);
  }
  return std::max(sum, 0.0);
}

/// E[I] for cluster sizes a of u and b of v: the count of a cell is hypergeometric.
double expected_information(const Contingency& table) {
  const double n = table.total;
  const auto log_factorial = [](double x) { return std::lgamma(x + 1); };
  double sum = 0;
  for (const auto& [u, a] : table.u) {
    for (const auto& [v, b] : table.v) {
      const double fixed = log_factorial(a) + log_factorial(b) + log_factorial(n - a) +
                           log_factorial(n - b) - log_factorial(n);
      for (double k = std::max(1.0, a + b - n); k <= std::min(a, b); ++k) {
        const double log_probability = fixed - log_factorial(k) - log_factorial(a - k) -
                                       log_factorial(b - k) - log_factorial(n - a - b + k);
        sum += k / n * std::log(n * k / (a * b)) * std::exp(log_probability);
      }
    }
  }
  return sum;
}

bool both_are_one_cluster(const Contingency& table) {
  return table.u.size() == 1 && table.v.size() == 1;
}

void expect_tree(const Paths& tree, std::size_t samples) {
  CHIARO_CHECK(
      !tree.empty() && samples > 0 &&
          std::ranges::all_of(tree, [&](const auto& level) { return level.size() == samples; }),
      Internal, "[losses.cluster_agreement] expected levels of {} samples each", samples);
}

/// Of all pairs (i < j): the level at which they meet.
std::vector<double> meeting_levels(const Paths& tree) {
  const std::size_t samples = tree.front().size();
  std::vector<double> levels;
  levels.reserve(samples * (samples - 1) / 2);
  for (std::size_t i = 0; i < samples; ++i) {
    for (std::size_t j = i + 1; j < samples; ++j) {
      std::size_t level = 0;
      while (level < tree.size() && tree[level][i] != tree[level][j]) ++level;
      levels.push_back(static_cast<double>(level));
    }
  }
  return levels;
}

/// Each value becomes its rank; equal values share the mean of theirs.
std::vector<double> ranks(const std::vector<double>& values) {
  Counts count;
  for (const double value : values) ++count[std::llround(value)];
  Counts rank;
  double below = 0;
  for (const auto& [value, many] : count) {
    rank[value] = below + (many - 1) / 2;
    below += many;
  }
  std::vector<double> result;
  result.reserve(values.size());
  for (const double value : values) result.push_back(rank.at(std::llround(value)));
  return result;
}

double correlation(const std::vector<double>& x, const std::vector<double>& y) {
  const auto count = static_cast<double>(x.size());
  const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / count;
  const double mean_y = std::accumulate(y.begin(), y.end(), 0.0) / count;
  double xx = 0;
  double yy = 0;
  double xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

double normalised_information(Labels u, Labels v) {
  const Contingency table = contingency(u, v);
  if (both_are_one_cluster(table)) return 1;
  return 2 * mutual_information(table) /
         (entropy(table.u, table.total) + entropy(table.v, table.total));
}

double adjusted_information(Labels u, Labels v) {
  const Contingency table = contingency(u, v);
  const bool equal = table.both.size() == table.u.size() && table.both.size() == table.v.size();
  if (equal) return 1;  // also where the denominator vanishes: every sample a cluster of its own
  const double expected = expected_information(table);
  const double mean = (entropy(table.u, table.total) + entropy(table.v, table.total)) / 2;
  return (mutual_information(table) - expected) / (mean - expected);
}

double purity(Labels clusters, Labels classes) {
  const Contingency table = contingency(clusters, classes);
  Counts largest;
  for (const auto& [pair, count] : table.both)
    largest[pair.first] = std::max(largest[pair.first], count);
  double right = 0;
  for (const auto& [cluster, count] : largest) right += count;
  return right / table.total;
}

double dendrogram_purity(const Paths& tree, Labels classes) {
  expect_tree(tree, classes.size());
  const std::vector<std::int64_t> root(classes.size(), 0);
  Contingency finer;  // the nodes one level below; nobody has met there yet at the first level
  std::vector<std::int64_t> finer_node;
  double share = 0;
  double pairs = 0;
  for (std::size_t l = 0; l <= tree.size(); ++l) {
    const auto& nodes = l < tree.size() ? tree[l] : root;
    const Contingency here = contingency(nodes, classes);
    // Pairs of a class in a node, less those that met in one of its children.
    std::map<std::pair<std::int64_t, std::int64_t>, double> met;
    for (const auto& [pair, count] : here.both) met[pair] = count * (count - 1) / 2;
    if (l > 0) {
      std::map<std::int64_t, std::int64_t> parent;
      for (std::size_t i = 0; i < nodes.size(); ++i) parent[finer_node[i]] = nodes[i];
      for (const auto& [pair, count] : finer.both)
        met[{parent.at(pair.first), pair.second}] -= count * (count - 1) / 2;
    }
    for (const auto& [pair, count] : met) {
      share += count * here.both.at(pair) / here.u.at(pair.first);
      pairs += count;
    }
    finer = here;
    finer_node = nodes;
  }
  return pairs > 0 ? share / pairs : std::numeric_limits<double>::quiet_NaN();
}

double tree_agreement(const Paths& tree, const Paths& other) {
  expect_tree(tree, tree.empty() ? 0 : tree.front().size());
  expect_tree(other, tree.front().size());
  if (tree.front().size() < 2) return std::numeric_limits<double>::quiet_NaN();
  return correlation(ranks(meeting_levels(tree)), ranks(meeting_levels(other)));
}

}  // namespace chiaro::losses
