// What the finished runs of a study say: numbers only, read from their folders.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/train/study_plan.h"
#include "chiaro/eval/statistics.h"

namespace chiaro::apps {

/// A file of numbers with a header; empty cells are left out of their row.
using CsvRow = std::map<std::string, double>;
/// Errors: Input (missing; a cell that is no number).
std::vector<CsvRow> read_csv(const std::filesystem::path& file);

/// One run.
struct RunResult {
  StudyRun run;
  RunProgress progress;
  bool measured = true;                   ///< its arm is compared
  std::map<std::string, double> metrics;  ///< of finished runs
  std::optional<double> step_ms;  ///< median over logged rows, without waiting for data, validation
                                  ///< and files
  std::optional<double> wait_ms;  ///< median wait for data a step
};

/// One line of the table: an arm against the control of the same setting and fraction.
struct Comparison {
  std::string setting;
  std::optional<double> fraction;
  std::string arm;
  std::string metric;
  std::size_t planned = 0;           ///< seeds
  std::size_t seeds = 0;             ///< finished
  std::optional<double> mean;        ///< over the finished seeds
  std::optional<double> deviation;   ///< over n − 1, from two seeds
  std::size_t pairs = 0;             ///< seeds that arm and control have both
  std::optional<double> difference;  ///< mean over pairs of arm − control; none for the control
  std::optional<eval::Interval> interval;  ///< 95 %, paired t, from two pairs
};

/// "above", "below" or "undecided" by whether the interval excludes 0; "–" without an interval.
std::string verdict(const Comparison& comparison);

/// What a step of an arm costs.
struct StepCost {
  std::string setting;
  std::optional<double> fraction;
  std::string arm;
  std::int64_t steps = 0;
  std::optional<double> step_ms;  ///< median over seeds of RunResult::step_ms
  std::optional<double> wait_ms;
  std::optional<double> ratio;  ///< median over seeds of step_ms of the arm / of the control
};

struct StudyResults {
  std::vector<RunResult> runs;
  std::vector<Comparison> comparisons;
  std::vector<StepCost> costs;
  bool complete = false;  ///< every measured run is finished
};

/// Errors: Input (broken files), Usage (a metric that no finished run has).
StudyResults read_results(const Study& study, const std::vector<StudyRun>& runs);

}  // namespace chiaro::apps
