// What `eval` and `score` share: which measures, and where the report goes.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/cli/flags.h"
#include "chiaro/eval/evaluate.h"
#include "chiaro/metrics/score.h"

namespace chiaro::cli {

struct MeasuringOptions {
  std::vector<std::string> metrics{"psnr", "ssim"};
  std::vector<std::string> presets{"chiaro"};
  std::string channel;
  std::optional<int> border_px;
  std::vector<std::string> protocol;
  std::string metric_files;
  std::uint64_t bootstrap_seed = 0;
  std::string json_file;
  std::string csv_file;
  OutputFlags show;
};

/// --metric, --preset, … and the flags of add_output_flags.
void add_measuring_options(CLI::App& command, MeasuringOptions& options);

/// --metric and --metric-files for commands that show scores. `metrics` and `files` are set.
void add_metric_options(CLI::App& command, std::vector<std::string>& metrics, std::string& files);

/// What the measures need from the folder `files`, or from CHIARO_METRIC_DIR where that is empty.
/// Errors: as eval::read_metric_files.
metrics::Learned learned_for(std::span<const metrics::Measure> measures, const std::string& files,
                             const engine::EngineOptions& options = {});

/// Errors: Usage.
std::vector<metrics::Measure> measures_of(const MeasuringOptions& options);

/// Before the work: refuses files that deliver could not write. One that exists is replaced.
/// Errors: Output.
void expect_deliverable(const MeasuringOptions& options);

/// Writes the files that were asked for and prints the report: JSON lines, or the table followed by
/// `appendix`. Errors: Output.
void deliver(std::span<const eval::Report> reports, const MeasuringOptions& options,
             const std::string& appendix = "");

/// Names the pictures without scores on stderr. Returns the exit status for them: 0 where there are
/// none, 7 where all are checks that said no, else 1.
int tell_unscored(std::span<const eval::Report> reports);

/// Evaluates with a bar on stderr (not under --quiet). Errors: as eval::evaluate; Interrupted after
/// a signal.
eval::Report evaluate_with_bar(const eval::PairSet& set, const eval::RestoreFunction& restore,
                               const std::vector<metrics::Measure>& measures,
                               const eval::EvaluateOptions& options, bool quiet);

}  // namespace chiaro::cli
