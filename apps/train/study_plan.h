// The runs of a study, in the order they are made, and how far each has come.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/train/study_file.h"

namespace chiaro::apps {

/// One run: an arm in a setting, at a fraction, with a seed.
struct StudyRun {
  std::string id;  ///< "setting/arm/fraction/seed", without the axes that the study has not
  std::string setting;
  std::string arm;
  std::optional<double> fraction;
  std::int64_t seed = 0;
  std::filesystem::path folder;
  Recipe recipe;                      ///< effective; data.seed and train.seed are the seed
  std::filesystem::path recipe_file;  ///< what it was made from
  std::string start;                  ///< id of the run or file of the bundle it starts from, or ""
  bool starts_from_run = false;
};

/// All runs: seeds outermost, then settings, fractions and arms, so that a first comparison stands
/// early. `overrides`: "section.key=value" for every run, "arm:GLOB:section.key=value" for
/// those of the arms whose names match the shell glob. Errors: Input (no such recipe), Usage
/// (recipes that do not check; seeds set by hand; an arm whose data differ from the control's; a
/// glob that no arm matches).
std::vector<StudyRun> plan_runs(const Study& study, const std::filesystem::path& out,
                                const std::vector<std::string>& overrides);

enum class RunState { Waiting, Begun, Finished, Failed };

struct RunProgress {
  RunState state = RunState::Waiting;
  std::int64_t step = 0;
  std::int64_t steps = 0;
  std::string failure;  ///< why it failed
};

RunProgress progress_of(const StudyRun& run);

/// "waiting", "at step 200 of 1000", "finished", "failed: …".
std::string progress_text(const RunProgress& progress);

/// Notes in the folder what the run starts from, before it begins.
void note_start(const StudyRun& run);

/// Notes that the run cannot be finished, and why.
void note_failure(const StudyRun& run, const std::string& why);

/// Errors: Usage, naming run and key, if the run has begun with another recipe or start than it has
/// now.
void check_unchanged(const StudyRun& run);

/// Removes the folders of the runs that `name` means (an arm, a run, or the beginning of runs'
/// names up to a slash) and of the runs that start from them; returns the ids of those that were
/// there. Errors: Usage (means none), Output.
std::vector<std::string> forget_runs(const std::vector<StudyRun>& runs, const std::string& name);

}  // namespace chiaro::apps
