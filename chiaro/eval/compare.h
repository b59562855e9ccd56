// Two reports on the same pictures: paired differences.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "chiaro/eval/evaluate.h"

namespace chiaro::eval {

/// One set under one measure; differences are b − a, picture by picture.
struct Comparison {
  std::string set;
  std::string label;
  std::size_t pictures = 0;
  double mean_a = 0;
  double mean_b = 0;
  double difference = 0;
  std::optional<Interval> interval;  ///< 95 %, bootstrap over scenes
  double better_share = 0;           ///< of pictures where b is better than a
  double worst_difference = 0;       ///< the b − a that is worst for b
  std::string worst_name;            ///< its picture
  bool lower_is_better = false;      ///< of the measure
};

/// Compares every set that both hold, for every measure that both hold. Errors: CheckFailed when
/// they share no set or measure, or when protocol, pictures or degradation differ: the message
/// names what does.
std::vector<Comparison> compare(std::span<const Report> a, std::span<const Report> b,
                                const BootstrapOptions& options = {});

/// A table for people; one JSON object a line ("event": "comparison").
std::string comparison_text(std::span<const Comparison> comparisons);
std::string comparison_json(std::span<const Comparison> comparisons);

}  // namespace chiaro::eval
