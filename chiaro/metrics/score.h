// One name for all metrics: what evaluation calls.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "chiaro/image/image.h"
#include "chiaro/metrics/learned.h"
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

/// Metrics without a reference look at `restored` alone. Errors: as the metrics'; Usage where
/// `learned` lacks what the metric needs.
double score(const Measure& measure, const image::Image& restored, const image::Image& target,
             const Learned& learned = {});

/// One picture alone. Errors: as above; Usage if the metric needs a reference.
double score_alone(const Measure& measure, const image::Image& picture, const Learned& learned);

/// fingerprint(metric, protocol), and of learned metrics the hash of their files: "… files=0123…".
/// Errors: Usage, as above.
std::string fingerprint(const Measure& measure, const Learned& learned);

/// "33.8320", "inf", "-inf"; "-" for NaN. Four decimals.
std::string score_text(double value);

}  // namespace chiaro::metrics
