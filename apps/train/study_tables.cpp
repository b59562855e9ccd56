// The parts of a study's report that programs read.
#include <nlohmann/json.hpp>

#include "apps/train/study_report.h"
#include "chiaro/base/text.h"
#include "chiaro/base/version.h"

namespace chiaro::apps {
namespace {

std::string cell(const std::optional<double>& value) {
  return value ? shortest(*value) : "";
}

nlohmann::ordered_json number(const std::optional<double>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
}

std::string state_word(RunState state) {
  switch (state) {
    case RunState::Waiting:
      return "waiting";
    case RunState::Begun:
      return "begun";
    case RunState::Finished:
      return "finished";
    case RunState::Failed:
      return "failed";
  }
  return "";
}

std::string csv(const std::vector<std::vector<std::string>>& rows) {
  std::string text;
  for (const auto& row : rows) text += join(row, ",") + "\n";
  return text;
}

}  // namespace

std::string table_csv(const StudyResults& results) {
  std::vector<std::vector<std::string>> rows{{"setting", "fraction", "arm", "metric", "seeds",
                                              "mean", "deviation", "pairs", "difference", "low",
                                              "high", "verdict"}};
  for (const auto& line : results.comparisons) {
    rows.push_back(
        {line.setting, cell(line.fraction), line.arm, line.metric, std::to_string(line.seeds),
         cell(line.mean), cell(line.deviation), std::to_string(line.pairs), cell(line.difference),
         line.interval ? shortest(line.interval->low) : "",
         line.interval ? shortest(line.interval->high) : "", line.interval ? verdict(line) : ""});
  }
  return csv(rows);
}

std::string runs_csv(const Study& study, const StudyResults& results) {
  std::vector<std::vector<std::string>> rows{
      {"run", "setting", "arm", "fraction", "seed", "state", "step", "steps"}};
  for (const auto& metric : study.measure.metrics) rows.front().push_back(metric);
  for (const auto& result : results.runs) {
    const StudyRun& run = result.run;
    rows.push_back({run.id, run.setting, run.arm, cell(run.fraction), std::to_string(run.seed),
                    state_word(result.progress.state), std::to_string(result.progress.step),
                    std::to_string(result.progress.steps)});
    for (const auto& metric : study.measure.metrics) {
      const auto found = result.metrics.find(metric);
      rows.back().push_back(found == result.metrics.end() ? "" : shortest(found->second));
    }
  }
  return csv(rows);
}

std::string cost_csv(const StudyResults& results) {
  std::vector<std::vector<std::string>> rows{
      {"setting", "fraction", "arm", "steps", "step_ms", "data_wait_ms", "ratio"}};
  for (const auto& cost : results.costs) {
    rows.push_back({cost.setting, cell(cost.fraction), cost.arm, std::to_string(cost.steps),
                    cell(cost.step_ms), cell(cost.wait_ms), cell(cost.ratio)});
  }
  return csv(rows);
}

std::string report_json(const Study& study, const StudyResults& results,
                        const StudyCircumstances& circumstances) {
  using Json = nlohmann::ordered_json;
  Json json = {{"study", study.name},
               {"question", study.question},
               {"complete", results.complete},
               {"control", study.control().name},
               {"row", study.measure.row},
               {"seeds", study.seeds},
               {"command", circumstances.command},
               {"version", version()}};
  json["comparisons"] = Json::array();
  for (const auto& line : results.comparisons) {
    json["comparisons"].push_back({{"setting", line.setting},
                                   {"fraction", number(line.fraction)},
                                   {"arm", line.arm},
                                   {"metric", line.metric},
                                   {"seeds", line.seeds},
                                   {"mean", number(line.mean)},
                                   {"deviation", number(line.deviation)},
                                   {"pairs", line.pairs},
                                   {"difference", number(line.difference)},
                                   {"low", line.interval ? Json(line.interval->low) : Json()},
                                   {"high", line.interval ? Json(line.interval->high) : Json()},
                                   {"verdict", line.interval ? Json(verdict(line)) : Json()}});
  }
  json["costs"] = Json::array();
  for (const auto& cost : results.costs) {
    json["costs"].push_back({{"setting", cost.setting},
                             {"fraction", number(cost.fraction)},
                             {"arm", cost.arm},
                             {"steps", cost.steps},
                             {"step_ms", number(cost.step_ms)},
                             {"data_wait_ms", number(cost.wait_ms)},
                             {"ratio", number(cost.ratio)}});
  }
  json["runs"] = Json::array();
  for (const auto& result : results.runs) {
    json["runs"].push_back({{"run", result.run.id},
                            {"arm", result.run.arm},
                            {"seed", result.run.seed},
                            {"state", state_word(result.progress.state)},
                            {"step", result.progress.step},
                            {"steps", result.progress.steps},
                            {"failure", result.progress.failure},
                            {"metrics", result.metrics}});
  }
  json["sessions"] = Json::array();
  for (const auto& session : circumstances.sessions) {
    json["sessions"].push_back({{"run", session.run},
                                {"steps", session.steps},
                                {"seconds", session.seconds},
                                {"processor", session.processor},
                                {"device", session.device},
                                {"threads", session.threads},
                                {"versions", session.versions}});
  }
  return json.dump(1) + "\n";
}

}  // namespace chiaro::apps
