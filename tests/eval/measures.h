// Measures by their names.
#pragma once

#include <string>
#include <vector>

#include "chiaro/metrics/score.h"

namespace chiaro::eval {

/// As the protocol `chiaro` has them.
inline std::vector<metrics::Measure> measures_named(const std::vector<std::string>& names) {
  return metrics::measures(names, std::vector<std::string>{"chiaro"});
}

}  // namespace chiaro::eval
