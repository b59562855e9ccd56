#include "apps/train/study_results.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>

#include "apps/train/training_recipe.h"
#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/text.h"

namespace chiaro::apps {
namespace {

namespace fs = std::filesystem;

std::optional<double> median(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::map<std::string, double> read_metrics(const Study& study, const StudyRun& run) {
  const auto rows = read_csv(run.folder / "validation.csv");
  CHIARO_CHECK(!rows.empty(), Input, "[study] '{}' holds no validation",
               (run.folder / "validation.csv").string());
  const CsvRow* chosen = &rows.back();
  if (study.measure.row == "best") {
    const std::string best = check_training_recipe(run.recipe).train.best;
    for (const auto& row : rows) {
      if (row.count(best) > 0 && row.at(best) > chosen->at(best)) chosen = &row;
    }
  }
  std::map<std::string, double> metrics;
  for (const auto& metric : study.measure.metrics) {
    if (const auto found = chosen->find(metric); found != chosen->end())
      metrics[metric] = found->second;
  }
  return metrics;
}

RunResult read_run(const Study& study, const StudyRun& run) {
  RunResult result;
  result.run = run;
  result.progress = progress_of(run);
  result.measured = std::ranges::find(study.arms, run.arm, &StudyArm::name)->measured;
  if (result.progress.state != RunState::Finished) return result;
  if (result.measured) result.metrics = read_metrics(study, run);
  std::vector<double> steps;
  std::vector<double> waits;
  for (const auto& row : read_csv(run.folder / "losses.csv")) {
    if (row.count("step_ms") == 0 || row.count("data_wait_ms") == 0) continue;
    steps.push_back(row.at("step_ms") - row.at("data_wait_ms"));
    waits.push_back(row.at("data_wait_ms"));
  }
  result.step_ms = median(steps);
  result.wait_ms = median(waits);
  return result;
}

bool same_place(const RunResult& a, const RunResult& b) {
  return a.run.setting == b.run.setting && a.run.fraction == b.run.fraction;
}

/// The runs of one arm in one setting at one fraction, by seed; `first` is one of them.
std::map<std::int64_t, const RunResult*> group_of(const std::vector<RunResult>& runs,
                                                  const RunResult& first, const std::string& arm) {
  std::map<std::int64_t, const RunResult*> group;
  for (const auto& one : runs) {
    if (one.run.arm == arm && same_place(one, first)) group[one.run.seed] = &one;
  }
  return group;
}

Comparison compare(const Study& study, const std::vector<RunResult>& runs, const RunResult& first,
                   const std::string& metric) {
  Comparison line;
  line.setting = first.run.setting;
  line.fraction = first.run.fraction;
  line.arm = first.run.arm;
  line.metric = metric;
  const auto controls = group_of(runs, first, study.control().name);
  std::vector<double> values;
  std::vector<double> differences;
  for (const auto& [seed, result] : group_of(runs, first, first.run.arm)) {
    ++line.planned;
    const auto value = result->metrics.find(metric);
    if (value == result->metrics.end()) continue;
    values.push_back(value->second);
    const auto control = controls.find(seed);
    if (control == controls.end() || control->second->metrics.count(metric) == 0) continue;
    differences.push_back(value->second - control->second->metrics.at(metric));
  }
  line.seeds = values.size();
  if (!values.empty()) line.mean = eval::mean(values);
  if (values.size() >= 2) {
    double squares = 0;
    for (const double value : values) squares += (value - *line.mean) * (value - *line.mean);
    line.deviation = std::sqrt(squares / static_cast<double>(values.size() - 1));
  }
  if (line.arm == study.control().name) return line;
  line.pairs = differences.size();
  if (!differences.empty()) line.difference = eval::mean(differences);
  line.interval = eval::student_t_mean(differences);
  return line;
}

StepCost cost_of(const Study& study, const std::vector<RunResult>& runs, const RunResult& first) {
  StepCost cost;
  cost.setting = first.run.setting;
  cost.fraction = first.run.fraction;
  cost.arm = first.run.arm;
  cost.steps = first.progress.steps;
  const auto controls = group_of(runs, first, study.control().name);
  std::vector<double> steps;
  std::vector<double> waits;
  std::vector<double> ratios;
  for (const auto& [seed, result] : group_of(runs, first, first.run.arm)) {
    if (!result->step_ms) continue;
    steps.push_back(*result->step_ms);
    waits.push_back(*result->wait_ms);
    const auto control = controls.find(seed);
    if (control != controls.end() && control->second->step_ms)
      ratios.push_back(*result->step_ms / *control->second->step_ms);
  }
  cost.step_ms = median(steps);
  cost.wait_ms = median(waits);
  cost.ratio = median(ratios);
  return cost;
}

void check_metrics(const Study& study, const std::vector<RunResult>& runs) {
  const auto finished = std::ranges::find_if(runs, [](const RunResult& result) {
    return result.measured && result.progress.state == RunState::Finished;
  });
  if (finished == runs.end()) return;
  for (const auto& metric : study.measure.metrics) {
    if (std::ranges::any_of(runs, [&](const auto& one) { return one.metrics.count(metric) > 0; }))
      continue;
    std::vector<std::string> known;
    const auto rows = read_csv(finished->run.folder / "validation.csv");
    for (const auto& [name, value] : rows.back()) {
      if (name != "step") known.push_back(name);
    }
    fail(ErrorCode::Usage, "[study] no finished run measured '{}'{}; run '{}' has {}", metric,
         did_you_mean(metric, known), finished->run.id, join(known));
  }
}

}  // namespace

std::vector<CsvRow> read_csv(const fs::path& file) {
  std::vector<CsvRow> rows;
  std::vector<std::string> columns;
  for (const auto& line : split(read_text(file), '\n')) {
    if (line.empty()) continue;
    const auto cells = split(line, ',');
    if (columns.empty()) {
      columns = cells;
      continue;
    }
    CsvRow row;
    for (std::size_t i = 0; i < std::min(cells.size(), columns.size()); ++i) {
      if (cells[i].empty()) continue;
      char* end = nullptr;
      row[columns[i]] = std::strtod(cells[i].c_str(), &end);
      CHIARO_CHECK(*end == '\0', Input, "[study] '{}' holds '{}' where a number should stand",
                   file.string(), cells[i]);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string verdict(const Comparison& comparison) {
  if (!comparison.interval) return "–";
  if (comparison.interval->low > 0) return "above";
  if (comparison.interval->high < 0) return "below";
  return "undecided";
}

StudyResults read_results(const Study& study, const std::vector<StudyRun>& runs) {
  StudyResults results;
  for (const auto& run : runs) results.runs.push_back(read_run(study, run));
  check_metrics(study, results.runs);
  results.complete = std::ranges::all_of(results.runs, [](const RunResult& result) {
    return !result.measured || result.progress.state == RunState::Finished;
  });
  std::set<std::string> done;
  for (const auto& metric : study.measure.metrics) {
    for (const auto& first : results.runs) {
      const std::string place = first.run.id.substr(0, first.run.id.rfind('/'));
      if (!first.measured || !done.insert(metric + " " + place).second) continue;
      results.comparisons.push_back(compare(study, results.runs, first, metric));
    }
  }
  done.clear();
  for (const auto& first : results.runs) {
    const std::string place = first.run.id.substr(0, first.run.id.rfind('/'));
    if (done.insert(place).second) results.costs.push_back(cost_of(study, results.runs, first));
  }
  return results;
}

}  // namespace chiaro::apps
