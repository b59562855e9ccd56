// When, where and how fast the runs of a study were made: DIR/sessions.jsonl, one JSON object a
// line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/train/study_plan.h"

namespace chiaro::apps {

/// One stretch of training, from start to end or interruption.
struct Session {
  std::string run;
  std::int64_t steps = 0;  ///< taken; 0 in the line that is written when the stretch begins
  double seconds = 0;      ///< all of it: data, validation, files
  std::string processor;
  std::string device;  ///< "cpu", or the name of the graphics card
  int threads = 0;
  std::string versions;  ///< of this program and of libtorch
};

/// This machine, for a run by this recipe; `run`, `steps` and `seconds` are left open. Errors:
/// Usage (a device that is not there).
Session describe_machine(const Recipe& recipe);

/// Replaces the file. Errors: Output.
void write_sessions(const std::filesystem::path& out, const std::vector<Session>& sessions);

/// All sessions; none if there is no file. Errors: Input.
std::vector<Session> read_sessions(const std::filesystem::path& out);

/// Seconds a step of this run takes, validation and all: mean of what its arm took in its setting,
/// else of what its arm took, else of everything; nothing before the first session has ended.
std::optional<double> seconds_a_step(const std::vector<Session>& sessions,
                                     const std::vector<StudyRun>& runs, const StudyRun& run);

}  // namespace chiaro::apps
