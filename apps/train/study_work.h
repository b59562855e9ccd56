// Making the runs of a study.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/train/study_file.h"
#include "apps/train/study_plan.h"

namespace chiaro::apps {

/// A study, its runs and its place.
struct StudyWork {
  Study study;
  std::vector<StudyRun> runs;
  std::filesystem::path out;
  std::string data;     ///< for data_root
  std::string command;  ///< as the report states it
};

/// Waiting or begun; failed runs are left as they are.
bool to_be_made(const StudyRun& run);

/// Seconds that the runs to be made still take together; nothing before something was measured.
std::optional<double> seconds_left(const StudyWork& work);

/// Builds data, network and method of every arm that has runs to be made: faults show before the
/// first run. Errors: Usage, Input, naming the run.
void rehearse_runs(const StudyWork& work);

/// Makes what is to be made, and the report after each run. A run whose numbers go wrong is noted
/// as failed, with those that start from it left out. Errors: Interrupted, once the run at hand is
/// saved; as run_training.
void make_runs(const StudyWork& work);

/// The report from what there is.
void report_work(const StudyWork& work);

}  // namespace chiaro::apps
