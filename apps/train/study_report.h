// The report of a study: report.md for people, report.json, table.csv, runs.csv and cost.csv for
// programs.
//
// Numbers in CSV and JSON are the shortest text that reads back as the same double. What is not
// known is an empty cell or null.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/train/study_results.h"
#include "apps/train/study_sessions.h"

namespace chiaro::apps {

/// setting, fraction, arm, metric, seeds, mean, deviation, pairs, difference, low, high, verdict.
std::string table_csv(const StudyResults& results);
/// run, setting, arm, fraction, seed, state, step, steps, and a column per metric.
std::string runs_csv(const Study& study, const StudyResults& results);
/// setting, fraction, arm, steps, step_ms, data_wait_ms, ratio.
std::string cost_csv(const StudyResults& results);

/// What a report says besides its numbers.
struct StudyCircumstances {
  std::string command;
  std::vector<Session> sessions;
  std::vector<std::string> plots;  ///< pictures, relative to the report
  std::string plots_missing;       ///< why there are none
};

std::string report_markdown(const Study& study, const StudyResults& results,
                            const StudyCircumstances& circumstances);
std::string report_json(const Study& study, const StudyResults& results,
                        const StudyCircumstances& circumstances);

/// Writes all five files and the plots into `out`. Errors: Output.
void write_report(const Study& study, const StudyResults& results, const std::filesystem::path& out,
                  const std::string& command);

}  // namespace chiaro::apps
