// Reports as text for people, and as CSV and JSON for programs.
//
// JSON is one object a line, each with "event":
//   "set"      set, pictures (how many were scored), failed (how many not), restorer, degradation,
//              seed, targets, inputs (hashes), bootstrap {seed, resamples},
//              measures: [{label, fingerprint, mean, low, high, input, gain, worse_share,
//              worst_loss, worst_file}]
//              of conditioned bundles: types (expected), type_accuracy, types_found {type:
//              pictures}
//   "picture"  set, file, scene, seconds, scores {label: value}, input_scores {label: value}, of
//              conditioned bundles type_found
//   "failed"   set, file, message, exit_status: a picture without scores
//   "summary"  sets, pictures, failed, seconds; always last
// Infinite values are the texts "inf" and "-inf"; what is not known is null.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chiaro/eval/evaluate.h"

namespace chiaro::eval {

/// One table per measure with a row per set (at least one), headed by the protocol. All reports
/// have the same measures. Where pictures failed, n says how many of how many were scored.
std::string report_text(std::span<const Report> reports);

/// A header and one row per picture that was scored.
std::string report_csv(std::span<const Report> reports);

std::string report_json(std::span<const Report> reports);

/// Reads what report_json wrote. Errors: Input, naming `origin` and the line.
std::vector<Report> parse_report_json(std::string_view text, const std::string& origin);

}  // namespace chiaro::eval
