#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "apps/train/commands.h"
#include "apps/train/interruption.h"
#include "apps/train/study_file.h"
#include "apps/train/study_plan.h"
#include "apps/train/study_report.h"
#include "apps/train/study_results.h"
#include "apps/train/study_sessions.h"
#include "apps/train/trained_run.h"
#include "apps/train/training_recipe.h"
#include "apps/train/training_run.h"
#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/base/text.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/eval/table.h"
#include "chiaro/freeze/freeze.h"

namespace chiaro::apps {
namespace {

namespace fs = std::filesystem;

struct StudyArguments {
  std::string study;
  std::string out;
  std::string data;
  std::vector<std::string> settings;
  std::vector<std::string> redo;
  bool list = false;
  bool report = false;
};

std::string command_line(const StudyArguments& arguments) {
  std::string text = fmt::format("chiaro study {} --out {}", arguments.study, arguments.out);
  if (!arguments.data.empty()) text += " --data " + arguments.data;
  for (const auto& setting : arguments.settings) text += fmt::format(" --set '{}'", setting);
  return text;
}

/// The weights a run starts from are those its start ended with.
void take_start(const StudyRun& run, const StudyArm& arm, const std::vector<StudyRun>& runs,
                networks::Network& network) {
  if (!run.starts_from_run) {
    freeze::thaw(bundle::read_bundle(run.start), network, arm.allow_missing);
    return;
  }
  const auto start = std::ranges::find(runs, run.start, &StudyRun::id);
  const TrainedRun trained = load_trained_run(start->folder, "last");
  copy_weights(*(trained.network ? trained.network : trained.trained), network, arm.allow_missing,
               run.start);
}

TrainingRun training_run(const Study& study, const std::vector<StudyRun>& runs, const StudyRun& run,
                         const StudyArguments& arguments) {
  TrainingRun training;
  training.recipe = run.recipe;
  training.recipe_file = run.recipe_file;
  training.folder = run.folder;
  training.data = arguments.data;
  training.resume = true;
  training.should_stop = [] { return interrupted(); };
  if (!run.start.empty()) {
    const StudyArm& arm = *std::ranges::find(study.arms, run.arm, &StudyArm::name);
    training.start_weights = [&run, &arm, &runs](networks::Network& network) {
      take_start(run, arm, runs, network);
    };
  }
  return training;
}

bool to_be_made(const StudyRun& run) {
  const RunState state = progress_of(run).state;
  return state == RunState::Waiting || state == RunState::Begun;
}

/// Seconds that all runs still take together; nothing before something was measured.
std::optional<double> seconds_left(const std::vector<StudyRun>& runs,
                                   const std::vector<Session>& sessions) {
  double left = 0;
  for (const auto& run : runs) {
    const RunProgress progress = progress_of(run);
    if (!to_be_made(run)) continue;
    const auto pace = seconds_a_step(sessions, runs, run);
    if (!pace) return std::nullopt;
    left += *pace * static_cast<double>(progress.steps - progress.step);
  }
  return left;
}

void print_list(const std::vector<StudyRun>& runs, const fs::path& out) {
  const auto sessions = read_sessions(out);
  std::vector<std::vector<std::string>> rows{{"run", "state", "left"}};
  for (const auto& run : runs) {
    const RunProgress progress = progress_of(run);
    std::string left;
    if (to_be_made(run)) {
      const auto pace = seconds_a_step(sessions, runs, run);
      left = pace ? duration_text(*pace * static_cast<double>(progress.steps - progress.step))
                  : "unknown";
    }
    rows.push_back({run.id, progress_text(progress), left});
  }
  fmt::print("{}", eval::aligned_table(rows));
  const auto waiting = std::ranges::count_if(runs, to_be_made);
  const auto left = seconds_left(runs, sessions);
  fmt::print("{} of {} runs to be made{}\n", waiting, runs.size(),
             waiting == 0 ? ""
             : left       ? ", about " + duration_text(*left)
                          : "; how long that takes is known once a run has ended");
}

/// Faulty arms show before the first run.
void rehearse(const Study& study, const std::vector<StudyRun>& runs,
              const StudyArguments& arguments) {
  for (const auto& run : runs) {
    if (run.seed != study.seeds.front()) continue;
    TrainingRun training = training_run(study, runs, run, arguments);
    try {
      rehearse_training(training);
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("[study] run '{}': {}", run.id, error.what()));
    }
  }
}

/// Trains one run; false if its numbers went wrong, which the folder then says.
bool make_run(const Study& study, const std::vector<StudyRun>& runs, const StudyRun& run,
              const StudyArguments& arguments) {
  note_start(run);
  auto sessions = read_sessions(arguments.out);
  sessions.push_back(describe_machine(run.recipe));
  sessions.back().run = run.id;
  write_sessions(arguments.out, sessions);
  const std::int64_t before = progress_of(run).step;
  const double began_s = monotonic_s();
  std::string failure;
  try {
    run_training(training_run(study, runs, run, arguments));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::CheckFailed) throw;
    failure = error.what();
  }
  sessions.back().steps = progress_of(run).step - before;
  sessions.back().seconds = monotonic_s() - began_s;
  write_sessions(arguments.out, sessions);
  if (failure.empty()) return true;
  note_failure(run, failure);
  spdlog::error("run '{}' failed: {}", run.id, failure);
  return false;
}

void make_runs(const Study& study, const std::vector<StudyRun>& runs,
               const StudyArguments& arguments) {
  const int threads = at::get_num_threads();
  const auto report = [&] {
    write_report(study, read_results(study, runs), arguments.out, command_line(arguments));
  };
  std::size_t number = 0;
  for (const auto& run : runs) {
    ++number;
    if (!to_be_made(run)) continue;
    const auto start = std::ranges::find(runs, run.start, &StudyRun::id);
    if (run.starts_from_run && progress_of(*start).state != RunState::Finished) {
      spdlog::error("run '{}' cannot be made: its start '{}' failed", run.id, run.start);
      continue;
    }
    const auto left = seconds_left(runs, read_sessions(arguments.out));
    spdlog::info("run {} of {}: {}{}", number, runs.size(), run.id,
                 left ? fmt::format("; about {} left for all", duration_text(*left)) : "");
    at::set_num_threads(threads);  // an earlier run may have set its own
    make_run(study, runs, run, arguments);
    report();
    CHIARO_CHECK(!interrupted(), Interrupted,
                 "[study] interrupted in run '{}'; the same command goes on from there", run.id);
  }
  report();
}

void study_command(const StudyArguments& arguments) {
  const Study study = load_study(arguments.study);
  const fs::path out = arguments.out;
  const auto runs = plan_runs(study, out, arguments.settings);
  for (const auto& name : arguments.redo) {
    const auto forgotten = forget_runs(runs, name);
    auto sessions = read_sessions(out);
    std::erase_if(sessions, [&](const Session& session) {
      return std::ranges::count(forgotten, session.run) > 0;
    });
    if (!forgotten.empty()) write_sessions(out, sessions);
    spdlog::info("--redo {}: {} runs forgotten", name, forgotten.size());
  }
  for (const auto& run : runs) check_unchanged(run);
  if (arguments.list) return print_list(runs, out);
  std::error_code failure;
  fs::create_directories(out, failure);
  CHIARO_CHECK(!failure, Output, "[study] cannot make '{}': {}", out.string(), failure.message());
  if (arguments.report) {
    write_report(study, read_results(study, runs), out, command_line(arguments));
  } else {
    note_interruptions();
    rehearse(study, runs, arguments);
    make_runs(study, runs, arguments);
  }
  fmt::print("{}\n", (out / "report.md").string());
  const auto failed = std::ranges::count_if(
      runs, [](const StudyRun& run) { return progress_of(run).state == RunState::Failed; });
  CHIARO_CHECK(failed == 0, SomeFailed, "[study] {} of {} runs failed; the report names them",
               failed, runs.size());
}

}  // namespace

void add_study(CLI::App& root) {
  auto arguments = std::make_shared<StudyArguments>();
  CLI::App* command = root.add_subcommand(
      "study", "Compare ways to train over seeds: study → runs, table with intervals, plots");
  command->footer(
      "Examples:\n  chiaro study recipes/studies/loss.toml --out runs/loss\n"
      "  chiaro study recipes/studies/loss.toml --out runs/loss --list      (what is done, what is "
      "left)\n"
      "  chiaro study recipes/studies/loss.toml --out runs/loss --report    (writes the report "
      "only)\n"
      "The same command goes on after an interruption; finished runs are kept.");
  command->add_option("study", arguments->study, "study (TOML; docs/studies/README.md)")
      ->required();
  command->add_option("-o,--out", arguments->out, "folder of the study")->required();
  command->add_option("--data", arguments->data,
                      "folder that relative data folders start from; as in `chiaro train`");
  command->add_option("--set", arguments->settings,
                      "override one value in every run: section.key=value");
  command->add_option("--redo", arguments->redo,
                      "first remove the runs of this name (an arm, a run, or a setting), and those "
                      "that start from them");
  auto* list = command->add_flag("--list", arguments->list,
                                 "only print the runs with their state and the time left");
  command->add_flag("--report", arguments->report, "only write the report from what is there")
      ->excludes(list);
  command->callback([arguments] { study_command(*arguments); });
}

}  // namespace chiaro::apps
