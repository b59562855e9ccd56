// One name for all metrics: what evaluation calls.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "chiaro/image/image.h"
#include "chiaro/metrics/protocol.h"

namespace chiaro::metrics {

/// A metric under a protocol, with the name of its column in tables.
struct Measure {
  Metric metric = Metric::Psnr;
  Protocol protocol;
  std::string label = "psnr";
};

/// Measures for every metric under every preset; labels are "psnr", or "psnr@matlab" where there
/// are several presets. `overrides` (keys of Protocol::fields) are laid over each preset. Errors:
/// Usage.
std::vector<Measure> measures(std::span<const std::string> metric_names,
                              std::span<const std::string> presets,
                              const OptionTable& overrides = {});

/// Errors: as the metrics'.
double score(const Measure& measure, const image::Image& restored, const image::Image& target);

/// "33.8320", "inf", "-inf"; "-" for NaN. Four decimals.
std::string score_text(double value);

}  // namespace chiaro::metrics
