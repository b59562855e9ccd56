#include "chiaro/eval/report.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "chiaro/base/text.h"
#include "chiaro/eval/found_types.h"
#include "chiaro/eval/table.h"

namespace chiaro::eval {
namespace {

using Json = nlohmann::ordered_json;
using metrics::score_text;

std::string signed_text(double value) {
  return (value > 0 ? "+" : "") + score_text(value);
}

std::string interval_text(const std::optional<Interval>& interval) {
  if (!interval) return "-";
  return "[" + score_text(interval->low) + ", " + score_text(interval->high) + "]";
}

std::string origin_line(const Report& report) {
  std::string line = report.set + ": ";
  line += report.degradation.empty() ? "pictures of files"
                                     : fmt::format("{}, seed {}", report.degradation, report.seed);
  return line + ", targets " + report.targets_hash + "\n";
}

// Quoted where a comma, quote or line break asks for it (RFC 4180).
std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

Json number_json(double value) {
  if (std::isnan(value)) return nullptr;
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

double number_from(const Json& json) {
  if (json.is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (json == "inf") return std::numeric_limits<double>::infinity();
  if (json == "-inf") return -std::numeric_limits<double>::infinity();
  return json.get<double>();
}

Json scores_json(const std::vector<std::string>& labels, const std::vector<double>& values) {
  if (values.empty()) return nullptr;
  Json json = Json::object();
  for (std::size_t i = 0; i < labels.size(); ++i) json[labels[i]] = number_json(values.at(i));
  return json;
}

std::vector<double> scores_from(const std::vector<std::string>& labels, const Json& json) {
  std::vector<double> values;
  if (json.is_null()) return values;
  for (const auto& label : labels) values.push_back(number_from(json.at(label)));
  return values;
}

// File names need not be UTF-8; such bytes are shown as replacement characters.
std::string json_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json measure_json(const Report& report, std::size_t measure) {
  const Summary summary = summarize(report, measure);
  const auto& interval = summary.restored_interval;
  const bool compared = summary.input.has_value();
  Json json{{"label", report.labels[measure]},
            {"fingerprint", report.fingerprints[measure]},
            {"mean", number_json(summary.restored)},
            {"low", interval ? number_json(interval->low) : Json(nullptr)},
            {"high", interval ? number_json(interval->high) : Json(nullptr)}};
  json["input"] = compared ? number_json(*summary.input) : Json(nullptr);
  json["gain"] = compared ? number_json(summary.gain) : Json(nullptr);
  json["worse_share"] = compared ? number_json(summary.worse_share) : Json(nullptr);
  json["worst_loss"] = compared ? number_json(summary.worst_loss) : Json(nullptr);
  json["worst_file"] = summary.worst_name.empty() ? Json(nullptr) : Json(summary.worst_name);
  return json;
}

Json set_json(const Report& report) {
  Json json{
      {"event", "set"},
      {"set", report.set},
      {"pictures", report.pictures.size()},
      {"failed", report.failed.size()},
      {"restorer", report.restorer},
      {"degradation", report.degradation},
      {"seed", report.seed},
      {"targets", report.targets_hash},
      {"inputs", report.inputs_hash},
      {"bootstrap", {{"seed", report.bootstrap.seed}, {"resamples", report.bootstrap.resamples}}},
      {"measures", Json::array()}};
  for (std::size_t m = 0; m < report.labels.size(); ++m) {
    json["measures"].push_back(measure_json(report, m));
  }
  if (const auto types = summarize_types(report)) {
    json["types"] = report.types;
    json["type_accuracy"] = types->right_share ? Json(*types->right_share) : Json(nullptr);
    json["types_found"] = types->found;
  }
  return json;
}

Report report_from(const Json& json) {
  Report report;
  report.set = json.at("set");
  report.restorer = json.at("restorer");
  report.degradation = json.at("degradation");
  report.seed = json.at("seed");
  report.targets_hash = json.at("targets");
  report.inputs_hash = json.at("inputs");
  report.bootstrap = {json.at("bootstrap").at("seed"), json.at("bootstrap").at("resamples")};
  for (const auto& measure : json.at("measures")) {
    report.labels.push_back(measure.at("label"));
    report.fingerprints.push_back(measure.at("fingerprint"));
  }
  if (json.contains("types")) report.types = json.at("types").get<std::vector<std::string>>();
  return report;
}

}  // namespace

std::string report_text(std::span<const Report> reports) {
  std::string text;
  const auto& first = reports.front();
  const bool compared = !first.inputs_hash.empty();
  for (std::size_t m = 0; m < first.labels.size(); ++m) {
    text += first.fingerprints[m] + (lower_is_better(first, m) ? "; lower is better\n" : "\n");
    std::vector<std::vector<std::string>> rows{{"set", "n", first.labels[m], "95 % interval"}};
    if (compared) {
      for (const char* heading : {"input", "gain", "worse", "worst loss", "its picture"}) {
        rows[0].emplace_back(heading);
      }
    }
    for (const auto& report : reports) {
      const Summary summary = summarize(report, m);
      auto& row = rows.emplace_back();
      row = {report.set, scored_text(report), score_text(summary.restored),
             interval_text(summary.restored_interval)};
      if (!summary.input) continue;
      row.push_back(score_text(*summary.input));
      row.push_back(signed_text(summary.gain));
      row.push_back(fmt::format("{:.1f} %", 100 * summary.worse_share));
      const bool lost = !summary.worst_name.empty();
      row.push_back(lost ? score_text(summary.worst_loss) : "-");
      row.push_back(lost ? summary.worst_name : "-");
    }
    text += aligned_table(rows) + "\n";
  }
  if (const std::string types = types_text(reports); !types.empty()) text += types + "\n";
  for (const auto& report : reports) text += origin_line(report);
  text += fmt::format("intervals: bootstrap over scenes, seed {}, {} resamples\n",
                      first.bootstrap.seed, first.bootstrap.resamples);
  return text;
}

std::string report_csv(std::span<const Report> reports) {
  std::string text = "set,file,scene,seconds";
  const auto& labels = reports.front().labels;
  for (const auto& label : labels) text += "," + label + "," + label + "_input";
  const bool with_types = std::any_of(reports.begin(), reports.end(), [](const Report& report) {
    return summarize_types(report).has_value();
  });
  text += with_types ? ",type_found\n" : "\n";
  for (const auto& report : reports) {
    for (const auto& picture : report.pictures) {
      text += csv_cell(report.set) + "," + csv_cell(picture.name) + "," + csv_cell(picture.scene) +
              fmt::format(",{:.4f}", picture.seconds);
      for (std::size_t m = 0; m < labels.size(); ++m) {
        text += "," + score_text(picture.restored.at(m)) + ",";
        if (!picture.input.empty()) text += score_text(picture.input.at(m));
      }
      text += with_types ? "," + csv_cell(picture.type_found) + "\n" : "\n";
    }
  }
  return text;
}

std::string report_json(std::span<const Report> reports) {
  std::string text;
  std::size_t pictures = 0;
  std::size_t failed = 0;
  double seconds = 0;
  for (const auto& report : reports) {
    text += json_line(set_json(report));
    for (const auto& picture : report.pictures) {
      Json line{{"event", "picture"},
                {"set", report.set},
                {"file", picture.name},
                {"scene", picture.scene},
                {"seconds", picture.seconds},
                {"scores", scores_json(report.labels, picture.restored)},
                {"input_scores", scores_json(report.labels, picture.input)}};
      if (!picture.type_found.empty()) line["type_found"] = picture.type_found;
      text += json_line(line);
      seconds += picture.seconds;
    }
    for (const auto& picture : report.failed)
      text += json_line({{"event", "failed"},
                         {"set", report.set},
                         {"file", picture.name},
                         {"message", picture.reason},
                         {"exit_status", static_cast<int>(picture.code)}});
    pictures += report.pictures.size();
    failed += report.failed.size();
  }
  const Json last{{"event", "summary"},
                  {"sets", reports.size()},
                  {"pictures", pictures},
                  {"failed", failed},
                  {"seconds", seconds}};
  return text + json_line(last);
}

std::vector<Report> parse_report_json(std::string_view text, const std::string& origin) {
  std::vector<Report> reports;
  std::map<std::string, std::size_t> places;
  std::size_t number_of_line = 0;
  bool ended = false;
  for (const auto& line : split(text, '\n')) {
    ++number_of_line;
    if (trim(line).empty()) continue;
    try {
      const Json json = Json::parse(line);
      const std::string event = json.at("event");
      if (event == "set") {
        places[json.at("set")] = reports.size();
        reports.push_back(report_from(json));
      } else if (event == "picture") {
        Report& report = reports.at(places.at(json.at("set")));
        report.pictures.push_back({json.at("file"), json.at("scene"),
                                   scores_from(report.labels, json.at("scores")),
                                   scores_from(report.labels, json.at("input_scores")),
                                   json.at("seconds"), json.value("type_found", "")});
      } else if (event == "failed") {
        reports.at(places.at(json.at("set")))
            .failed.push_back({json.at("file"), json.at("message"),
                               static_cast<ErrorCode>(json.at("exit_status").get<int>())});
      } else if (event == "summary") {
        ended = true;
      }
    } catch (const std::exception& error) {
      fail(ErrorCode::Input, "[eval.report] {}:{}: not a score report: {}", origin, number_of_line,
           error.what());
    }
  }
  CHIARO_CHECK(ended && !reports.empty(), Input,
               "[eval.report] '{}' is not a whole score report; expected the JSON lines of "
               "`chiaro eval --json`",
               origin);
  for (const auto& report : reports) {
    CHIARO_CHECK(!report.pictures.empty(), Input, "[eval.report] '{}': set '{}' has no pictures",
                 origin, report.set);
  }
  return reports;
}

}  // namespace chiaro::eval
