#include "apps/train/study_work.h"

#include <algorithm>
#include <set>

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include "apps/train/interruption.h"
#include "apps/train/method_start.h"
#include "apps/train/study_report.h"
#include "apps/train/study_results.h"
#include "apps/train/study_sessions.h"
#include "apps/train/trained_run.h"
#include "apps/train/training_run.h"
#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/freeze/freeze.h"

namespace chiaro::apps {
namespace {

const StudyRun& run_named(const StudyWork& work, const std::string& id) {
  return *std::ranges::find(work.runs, id, &StudyRun::id);
}

const StudyArm& arm_of(const StudyWork& work, const StudyRun& run) {
  return *std::ranges::find(work.study.arms, run.arm, &StudyArm::name);
}

/// The weights a run starts from are those its start ended with.
void take_start(const StudyWork& work, const StudyRun& run, networks::Network& network) {
  const StudyArm& arm = arm_of(work, run);
  if (!run.starts_from_run) {
    const bundle::Bundle from = bundle::read_bundle(run.start);
    if (from.manifest.kind != "encode") freeze::thaw(from, network, arm.allow_missing);
    return;
  }
  const TrainedRun trained = load_trained_run(run_named(work, run.start).folder, "last");
  const auto& from = trained.network ? trained.network : trained.trained;
  if (!from && trained.encoder) return;  // which is for the method
  CHIARO_CHECK(from != nullptr, Usage,
               "[study.start] arm '{}' starts from '{}', whose method '{}' trains no restoration "
               "network",
               run.arm, run.start, trained.recipe.method);
  copy_weights(*from, network, arm.allow_missing, run.start);
}

/// And what else of the method does not start anew.
void take_start(const StudyWork& work, const StudyRun& run, methods::Method& method) {
  if (!run.starts_from_run) {
    start_method(bundle::read_bundle(run.start), method, arm_of(work, run).allow_missing);
  } else {
    start_method(load_trained_run(run_named(work, run.start).folder, "last"), run.start, method);
  }
}

TrainingRun training_run(const StudyWork& work, const StudyRun& run) {
  TrainingRun training;
  training.recipe = run.recipe;
  training.recipe_file = run.recipe_file;
  training.folder = run.folder;
  training.data = work.data;
  training.resume = true;
  training.should_stop = [] { return interrupted(); };
  if (!run.start.empty()) {
    training.start_weights = [&](networks::Network& network) { take_start(work, run, network); };
    training.start_method = [&](methods::Method& method) { take_start(work, run, method); };
  }
  return training;
}

/// Trains one run, and notes how long that took, or that its numbers went wrong.
void make_run(const StudyWork& work, const StudyRun& run) {
  note_start(run);
  auto sessions = read_sessions(work.out);
  sessions.push_back(describe_machine(run.recipe));
  sessions.back().run = run.id;
  write_sessions(work.out, sessions);
  const std::int64_t before = progress_of(run).step;
  const double began_s = monotonic_s();
  std::string failure;
  try {
    run_training(training_run(work, run));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::CheckFailed) throw;
    failure = error.what();
  }
  sessions.back().steps = progress_of(run).step - before;
  sessions.back().seconds = monotonic_s() - began_s;
  write_sessions(work.out, sessions);
  if (failure.empty()) return;
  note_failure(run, failure);
  spdlog::error("run '{}' failed: {}", run.id, failure);
}

}  // namespace

bool to_be_made(const StudyRun& run) {
  const RunState state = progress_of(run).state;
  return state == RunState::Waiting || state == RunState::Begun;
}

std::optional<double> seconds_left(const StudyWork& work) {
  const auto sessions = read_sessions(work.out);
  double left = 0;
  for (const auto& run : work.runs) {
    if (!to_be_made(run)) continue;
    const RunProgress progress = progress_of(run);
    const auto pace = seconds_a_step(sessions, work.runs, run);
    if (!pace) return std::nullopt;
    left += *pace * static_cast<double>(progress.steps - progress.step);
  }
  return left;
}

void rehearse_runs(const StudyWork& work) {
  std::set<std::string> seen;
  for (const auto& run : work.runs) {
    if (!to_be_made(run) || !seen.insert(run.id.substr(0, run.id.rfind('/'))).second) continue;
    TrainingRun training = training_run(work, run);
    if (run.starts_from_run) {  // which has not been made yet
      training.start_weights = nullptr;
      training.start_method = nullptr;
    }
    try {
      rehearse_training(training);
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("[study] run '{}': {}", run.id, error.what()));
    }
  }
}

void make_runs(const StudyWork& work) {
  const int threads = at::get_num_threads();
  std::size_t number = 0;
  for (const auto& run : work.runs) {
    ++number;
    if (!to_be_made(run)) continue;
    if (run.starts_from_run &&
        progress_of(run_named(work, run.start)).state != RunState::Finished) {
      spdlog::error("run '{}' cannot be made: its start '{}' failed", run.id, run.start);
      continue;
    }
    const auto left = seconds_left(work);
    spdlog::info("run {} of {}: {}{}", number, work.runs.size(), run.id,
                 left ? fmt::format("; about {} left for all", duration_text(*left)) : "");
    at::set_num_threads(threads);  // an earlier run may have set its own
    make_run(work, run);
    report_work(work);
    CHIARO_CHECK(!interrupted(), Interrupted,
                 "[study] interrupted in run '{}'; the same command goes on from there", run.id);
  }
  report_work(work);
}

void report_work(const StudyWork& work) {
  write_report(work.study, read_results(work.study, work.runs), work.out, work.command);
}

}  // namespace chiaro::apps
