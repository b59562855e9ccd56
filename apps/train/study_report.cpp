#include "apps/train/study_report.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "apps/train/study_plots.h"
#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/text.h"

namespace chiaro::apps {
namespace {

namespace fs = std::filesystem;
using Row = std::vector<std::string>;

std::string markdown_table(const std::vector<Row>& rows) {
  std::string text;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    text += "| " + join(rows[i], " | ") + " |\n";
    if (i == 0) text += "| " + join(Row(rows[i].size(), "---"), " | ") + " |\n";
  }
  return text + "\n";
}

/// The cells that say where a line belongs: only the axes that the study has.
Row place_cells(const Study& study, const std::string& setting,
                const std::optional<double>& fraction) {
  Row cells;
  if (!study.settings.empty()) cells.push_back(setting);
  if (!study.fractions.empty()) cells.push_back(fraction ? shortest(*fraction) : "–");
  return cells;
}

Row place_headings(const Study& study) {
  Row cells;
  if (!study.settings.empty()) cells.emplace_back("setting");
  if (!study.fractions.empty()) cells.emplace_back("fraction");
  return cells;
}

std::string figure(const std::optional<double>& value, const char* unknown = "–") {
  return value ? fmt::format("{:.3f}", *value) : unknown;
}

std::string interval_text(const Comparison& line) {
  if (line.interval)
    return fmt::format("{:+.3f} to {:+.3f}", line.interval->low, line.interval->high);
  return line.pairs == 1 ? "none: one seed" : "–";
}

std::string comparison_table(const Study& study, const StudyResults& results,
                             const std::string& metric) {
  Row headings = place_headings(study);
  const Row more{
      "arm",           "seeds",  "mean", "deviation", "difference to " + study.control().name,
      "95 % interval", "verdict"};
  headings.insert(headings.end(), more.begin(), more.end());
  std::vector<Row> rows{headings};
  for (const auto& line : results.comparisons) {
    if (line.metric != metric) continue;
    Row row = place_cells(study, line.setting, line.fraction);
    const bool control = line.arm == study.control().name;
    const Row cells{
        control ? line.arm + " (control)" : line.arm,
        line.seeds == line.planned ? std::to_string(line.seeds)
                                   : fmt::format("{} of {}", line.seeds, line.planned),
        figure(line.mean),
        figure(line.deviation),
        line.difference
            ? fmt::format("{:+.3f}{}", *line.difference,
                          line.pairs == line.planned ? "" : fmt::format(" ({} pairs)", line.pairs))
            : "–",
        interval_text(line),
        verdict(line)};
    row.insert(row.end(), cells.begin(), cells.end());
    rows.push_back(std::move(row));
  }
  return markdown_table(rows);
}

std::string cost_table(const Study& study, const StudyResults& results) {
  Row headings = place_headings(study);
  const Row more{"arm", "steps", "ms a step", "ms waiting for data",
                 "ratio to " + study.control().name};
  headings.insert(headings.end(), more.begin(), more.end());
  std::vector<Row> rows{headings};
  for (const auto& cost : results.costs) {
    Row row = place_cells(study, cost.setting, cost.fraction);
    const auto ms = [](const std::optional<double>& value) {
      return value ? fmt::format("{:.1f}", *value) : std::string("–");
    };
    const Row cells{cost.arm, std::to_string(cost.steps), ms(cost.step_ms), ms(cost.wait_ms),
                    cost.ratio ? fmt::format("{:.2f}", *cost.ratio) : "–"};
    row.insert(row.end(), cells.begin(), cells.end());
    rows.push_back(std::move(row));
  }
  return markdown_table(rows);
}

std::string state_sentence(const StudyResults& results) {
  const auto measured = std::ranges::count(results.runs, true, &RunResult::measured);
  const auto finished = std::ranges::count_if(results.runs, [](const RunResult& result) {
    return result.measured && result.progress.state == RunState::Finished;
  });
  if (results.complete) return fmt::format("All {} measured runs are finished.\n\n", measured);
  return fmt::format("**Partial: {} of {} measured runs are finished.**\n\n", finished, measured);
}

std::string failure_sentences(const StudyResults& results) {
  std::string text;
  for (const auto& result : results.runs) {
    if (result.progress.state == RunState::Failed)
      text += fmt::format("- run `{}` {}\n", result.run.id, progress_text(result.progress));
  }
  return text.empty() ? "" : "Failed runs; they are not in the tables:\n\n" + text + "\n";
}

std::string reading(const Study& study, const StudyResults& results) {
  std::size_t intervals = 0;
  for (const auto& line : results.comparisons) intervals += line.interval ? 1 : 0;
  std::string text = fmt::format(
      "Each value is that of {}. The difference is the mean over seeds of arm minus control with "
      "the same seed; the interval is the paired t interval over those seeds. The verdict is "
      "*above* or *below* where the interval excludes 0, else *undecided*; it says nothing about "
      "which is better.",
      study.measure.row == "last" ? "the last validation of a run"
                                  : "the validation at the step where `train.best` was highest, "
                                    "which favours arms that vary more");
  if (study.seeds.size() == 1) {
    text += " There is one seed, so there are no intervals and no verdicts.";
  } else {
    text += fmt::format(" n = {} seeds, where a line does not say otherwise.", study.seeds.size());
  }
  if (intervals > 1) {
    text += fmt::format(
        " {} intervals are shown and none is widened for it: of 20 comparisons without any effect, "
        "one is expected to exclude 0.",
        intervals);
  }
  return text + "\n\n";
}

std::string joined(const std::set<std::string>& values) {
  return join(std::vector<std::string>(values.begin(), values.end()), "; ");
}

std::string machine_text(const std::vector<Session>& sessions) {
  std::set<std::string> processors;
  std::set<std::string> devices;
  std::set<std::string> threads;
  std::set<std::string> versions;
  double seconds = 0;
  for (const auto& session : sessions) {
    processors.insert(session.processor);
    devices.insert(session.device);
    threads.insert(std::to_string(session.threads));
    versions.insert(session.versions);
    seconds += session.seconds;
  }
  if (sessions.empty()) return "- nothing has been trained yet\n";
  return fmt::format(
      "- versions: {}\n- processor: {}; device: {}; threads: {}\n- {:.0f} s of training, "
      "validation included\n",
      joined(versions), joined(processors), joined(devices), joined(threads), seconds);
}

std::string arm_text(const Study& study) {
  std::string text;
  for (const auto& arm : study.arms) {
    text += fmt::format("- arm `{}`{}{}: ", arm.name, arm.control ? " (control)" : "",
                        arm.measured ? "" : " (not measured)");
    text += arm.set.empty() ? "the recipe as it is" : fmt::format("`{}`", join(arm.set, "`, `"));
    if (!arm.recipe.empty()) text += fmt::format("; recipe `{}`", arm.recipe);
    if (!arm.from.empty()) text += fmt::format("; starts from `{}`", arm.from);
    if (arm.own_data) text += "; **its data may differ from the control's**";
    text += "\n";
  }
  for (const auto& setting : study.settings) {
    text += fmt::format("- setting `{}`: ", setting.name);
    text +=
        setting.set.empty() ? "nothing overridden" : fmt::format("`{}`", join(setting.set, "`, `"));
    if (!setting.recipe.empty()) text += fmt::format("; recipe `{}`", setting.recipe);
    for (const auto& [list, items] : setting.lists.lists)
      text += fmt::format("; its own [[{}]], {} of them", list, items.size());
    text += "\n";
  }
  return text;
}

std::string protocol(const Study& study, const StudyCircumstances& circumstances) {
  std::vector<std::string> seeds;
  for (const auto seed : study.seeds) seeds.push_back(std::to_string(seed));
  std::string text = fmt::format("## Protocol\n\n- command: `{}`\n", circumstances.command);
  text += machine_text(circumstances.sessions);
  text += fmt::format("- recipe `{}`, seeds {}\n", study.base, join(seeds));
  if (!study.set.empty()) text += "- in every run `" + join(study.set, "`, `") + "`\n";
  text +=
      "- runs of one seed see the same samples in the same order and are validated on the same "
      "held-out samples; networks built alike start from the same weights, unless they start from "
      "another arm\n"
      "- measured is the averaged network on crops of held-out scenes, as in validation.csv of "
      "each "
      "run\n"
      "- an interval covers the spread over seeds (weights, order and crops, drawn damage), not "
      "that "
      "over other pictures or other settings of the recipe\n";
  return text + arm_text(study);
}

}  // namespace

std::string report_markdown(const Study& study, const StudyResults& results,
                            const StudyCircumstances& circumstances) {
  std::string text = fmt::format("# Study {}\n\n", study.name);
  if (!study.question.empty()) text += study.question + "\n\n";
  text += state_sentence(results) + failure_sentences(results) + reading(study, results);
  for (const auto& metric : study.measure.metrics)
    text += fmt::format("## {}\n\n{}", metric, comparison_table(study, results, metric));
  text += "## Cost of a step\n\n" + cost_table(study, results) +
          "Medians over the logged rows of a run, then over seeds; time of the step alone, without "
          "waiting for data, validation and files. The ratio is the median over seeds of arm to "
          "control with the same seed.";
  std::set<std::string> machines;
  for (const auto& session : circumstances.sessions)
    machines.insert(fmt::format("{} {} {}", session.processor, session.device, session.threads));
  if (machines.size() > 1)
    text += " **The runs were made on different machines or settings: times do not compare.**";
  text += "\n\n";
  if (!circumstances.plots.empty() || !circumstances.plots_missing.empty()) text += "## Plots\n\n";
  for (const auto& picture : circumstances.plots)
    text += fmt::format("![{}]({})\n\n", fs::path(picture).stem().string(), picture);
  if (!circumstances.plots_missing.empty()) text += circumstances.plots_missing + ".\n\n";
  return text + protocol(study, circumstances);
}

void write_report(const Study& study, const StudyResults& results, const fs::path& out,
                  const std::string& command) {
  StudyCircumstances circumstances;
  circumstances.command = command;
  circumstances.sessions = read_sessions(out);
  const StudyPlots plots = draw_plots(study, results, out / "plots");
  for (const auto& picture : plots.pictures) circumstances.plots.push_back("plots/" + picture);
  circumstances.plots_missing = plots.missing;
  write_file_atomically(out / "table.csv", table_csv(results));
  write_file_atomically(out / "runs.csv", runs_csv(study, results));
  write_file_atomically(out / "cost.csv", cost_csv(results));
  write_file_atomically(out / "report.json", report_json(study, results, circumstances));
  write_file_atomically(out / "report.md", report_markdown(study, results, circumstances));
}

}  // namespace chiaro::apps
