// What learned metrics need beside pictures.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "chiaro/metrics/brisque.h"
#include "chiaro/metrics/lpips.h"
#include "chiaro/metrics/niqe.h"

namespace chiaro::metrics {

/// A learned metric's numbers, and a hash of the files they came from, which is part of the
/// fingerprint: scores by other numbers are other scores.
template <typename T>
struct FromFiles {
  T content;
  std::string hash;
};

struct Lpips {
  LpipsHeads heads;
  std::unique_ptr<FeatureNetwork> network;
};

/// Only what the metrics at hand need is there (chiaro/eval/metric_files.h reads it).
struct Learned {
  std::optional<FromFiles<Lpips>> lpips;
  std::optional<FromFiles<NiqeNorm>> niqe;
  std::optional<FromFiles<BrisqueRegression>> brisque;
};

}  // namespace chiaro::metrics
