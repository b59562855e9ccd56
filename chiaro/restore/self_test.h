// Replays the test vectors that a bundle carries: does it compute here what it computed where it
// was made?
#pragma once

#include <string>

#include "chiaro/bundle/bundle.h"
#include "chiaro/engine/engine.h"

namespace chiaro::restore {

/// Largest difference of an output value that counts as equal: an eighth of an 8-bit level.
inline constexpr double kSelfTestTolerance = 5e-4;

struct SelfTestResult {
  int cases = 0;
  double largest_difference = 0;
  std::string
      first_difference;  ///< name of the first tensor beyond the tolerance; empty: all agree
};

/// Runs every case in float32. Errors: Bundle (no self-test, shapes or types that do not fit, graph
/// does not run).
SelfTestResult verify(const bundle::Bundle& bundle, int threads = 0);

}  // namespace chiaro::restore
