#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "apps/train/commands.h"
#include "apps/train/interruption.h"
#include "apps/train/study_sessions.h"
#include "apps/train/study_work.h"
#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/eval/table.h"

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

void print_list(const StudyWork& work) {
  const auto sessions = read_sessions(work.out);
  std::vector<std::vector<std::string>> rows{{"run", "left", "state"}};
  for (const auto& run : work.runs) {
    const RunProgress progress = progress_of(run);
    std::string left = "–";
    if (to_be_made(run)) {
      const auto pace = seconds_a_step(sessions, work.runs, run);
      left = pace ? duration_text(*pace * static_cast<double>(progress.steps - progress.step))
                  : "unknown";
    }
    rows.push_back({run.id, left, progress_text(progress)});
  }
  fmt::print("{}", eval::aligned_table(rows));
  const auto waiting = std::ranges::count_if(work.runs, to_be_made);
  const auto left = seconds_left(work);
  fmt::print("{} of {} runs to be made{}\n", waiting, work.runs.size(),
             waiting == 0 ? ""
             : left       ? ", about " + duration_text(*left)
                          : "; how long that takes is known once a run has ended");
}

void redo(const StudyWork& work, const std::string& name) {
  const auto forgotten = forget_runs(work.runs, name);
  auto sessions = read_sessions(work.out);
  std::erase_if(sessions, [&](const Session& session) {
    return std::ranges::count(forgotten, session.run) > 0;
  });
  if (!forgotten.empty()) write_sessions(work.out, sessions);
  spdlog::info("--redo {}: {} runs forgotten", name, forgotten.size());
}

void study_command(const StudyArguments& arguments) {
  StudyWork work;
  work.study = load_study(arguments.study);
  work.out = arguments.out;
  work.data = arguments.data;
  work.command = command_line(arguments);
  work.runs = plan_runs(work.study, work.out, arguments.settings);
  for (const auto& name : arguments.redo) redo(work, name);
  for (const auto& run : work.runs) check_unchanged(run);
  if (arguments.list) return print_list(work);
  if (!arguments.report) rehearse_runs(work);
  std::error_code failure;
  fs::create_directories(work.out, failure);
  CHIARO_CHECK(!failure, Output, "[study] cannot make '{}': {}", work.out.string(),
               failure.message());
  if (arguments.report) {
    report_work(work);
  } else {
    note_interruptions();
    make_runs(work);
  }
  fmt::print("{}\n", (work.out / "report.md").string());
  const auto failed = std::ranges::count_if(
      work.runs, [](const StudyRun& run) { return progress_of(run).state == RunState::Failed; });
  CHIARO_CHECK(failed == 0, SomeFailed, "[study] {} of {} runs failed; the report names them",
               failed, work.runs.size());
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
                      "override one value, in every run: section.key=value; or in those of some "
                      "arms: arm:NAME:section.key=value, NAME may have * and ?");
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
