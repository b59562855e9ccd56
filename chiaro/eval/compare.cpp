#include "chiaro/eval/compare.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "chiaro/eval/table.h"

namespace chiaro::eval {
namespace {

using Json = nlohmann::ordered_json;

void check_alike(const Report& a, const Report& b) {
  const auto alike = [&](const std::string& x, const std::string& y, const char* what) {
    CHIARO_CHECK(x == y, CheckFailed,
                 "[eval.compare] set '{}': scores cannot be compared, {} differ; got '{}' and '{}'",
                 a.set, what, x, y);
  };
  alike(a.targets_hash, b.targets_hash, "the target pictures");
  if (a.inputs_hash.empty() || b.inputs_hash.empty()) return;  // scores of finished pictures
  alike(a.degradation, b.degradation, "the degradations");
  alike(std::to_string(a.seed), std::to_string(b.seed), "the seeds");
  alike(a.inputs_hash, b.inputs_hash, "the input pictures");
}

// The names of finished pictures may have other extensions than the inputs they came from.
std::string stem_of(const std::string& name) {
  return name.substr(0, name.rfind('.'));
}

const PictureScores& partner(const Report& report, const PictureScores& picture) {
  const PictureScores* found = nullptr;
  int alike = 0;
  for (const auto& candidate : report.pictures) {
    if (candidate.name == picture.name) return candidate;
    if (stem_of(candidate.name) != stem_of(picture.name)) continue;
    found = &candidate;
    ++alike;
  }
  if (alike == 1) return *found;
  CHIARO_CHECK(alike == 0, CheckFailed,
               "[eval.compare] set '{}': {} pictures of one report might be '{}' of the other",
               report.set, alike, picture.name);
  fail(ErrorCode::CheckFailed, "[eval.compare] set '{}': only one report holds '{}'", report.set,
       picture.name);
}

Comparison compare_measure(const Report& a, const Report& b, std::size_t measure_a,
                           std::size_t measure_b, const BootstrapOptions& options) {
  Comparison result;
  result.set = a.set;
  result.label = a.labels[measure_a];
  result.lower_is_better = lower_is_better(a, measure_a);
  const double sign = result.lower_is_better ? -1 : 1;
  result.pictures = a.pictures.size();
  std::vector<double> values_a;
  std::vector<double> values_b;
  std::vector<double> differences;
  std::vector<std::string> scenes;
  for (const auto& picture : a.pictures) {
    const PictureScores& other = partner(b, picture);
    values_a.push_back(picture.restored.at(measure_a));
    values_b.push_back(other.restored.at(measure_b));
    differences.push_back(score_difference(values_b.back(), values_a.back()));
    scenes.push_back(picture.scene);
    if (result.worst_name.empty() || sign * differences.back() < sign * result.worst_difference) {
      result.worst_difference = differences.back();
      result.worst_name = picture.name;
    }
  }
  const auto better = std::count_if(differences.begin(), differences.end(),
                                    [sign](double difference) { return sign * difference > 0; });
  result.mean_a = mean(values_a);
  result.mean_b = mean(values_b);
  result.difference = mean(differences);
  result.interval = bootstrap_mean(differences, scenes, options);
  result.better_share = static_cast<double>(better) / static_cast<double>(differences.size());
  return result;
}

Json number(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? Json(nullptr) : Json(value > 0 ? "inf" : "-inf");
}

const char* verdict(const Comparison& comparison) {
  if (!comparison.interval) {
    return std::isfinite(comparison.difference) ? "too few scenes to say"
                                                : "cannot be said: infinite";
  }
  const char* above = comparison.lower_is_better ? "a is better" : "b is better";
  const char* below = comparison.lower_is_better ? "b is better" : "a is better";
  if (comparison.interval->low > 0) return above;
  if (comparison.interval->high < 0) return below;
  return "no clear difference";
}

}  // namespace

std::vector<Comparison> compare(std::span<const Report> a, std::span<const Report> b,
                                const BootstrapOptions& options) {
  std::vector<Comparison> results;
  for (const auto& report_a : a) {
    for (const auto& report_b : b) {
      if (report_a.set != report_b.set) continue;
      check_alike(report_a, report_b);
      CHIARO_CHECK(report_a.pictures.size() == report_b.pictures.size(), CheckFailed,
                   "[eval.compare] set '{}': the reports hold {} and {} pictures", report_a.set,
                   report_a.pictures.size(), report_b.pictures.size());
      for (std::size_t i = 0; i < report_a.labels.size(); ++i) {
        const auto found =
            std::find(report_b.labels.begin(), report_b.labels.end(), report_a.labels[i]);
        if (found == report_b.labels.end()) continue;
        const auto j = static_cast<std::size_t>(found - report_b.labels.begin());
        CHIARO_CHECK(report_a.fingerprints[i] == report_b.fingerprints[j], CheckFailed,
                     "[eval.compare] set '{}': scores cannot be compared, the protocols differ; "
                     "got '{}' and '{}'",
                     report_a.set, report_a.fingerprints[i], report_b.fingerprints[j]);
        results.push_back(compare_measure(report_a, report_b, i, j, options));
      }
    }
  }
  CHIARO_CHECK(!results.empty(), CheckFailed,
               "[eval.compare] the reports have no set and measure in common");
  return results;
}

std::string comparison_text(std::span<const Comparison> comparisons) {
  std::vector<std::vector<std::string>> rows{{"set", "measure", "n", "a", "b", "b - a",
                                              "95 % interval", "b better", "worst b - a",
                                              "its picture", "verdict"}};
  for (const auto& c : comparisons) {
    rows.push_back({c.set, c.label, std::to_string(c.pictures), metrics::score_text(c.mean_a),
                    metrics::score_text(c.mean_b), metrics::score_text(c.difference),
                    c.interval ? "[" + metrics::score_text(c.interval->low) + ", " +
                                     metrics::score_text(c.interval->high) + "]"
                               : "-",
                    fmt::format("{:.1f} %", 100 * c.better_share),
                    metrics::score_text(c.worst_difference), c.worst_name, verdict(c)});
  }
  return aligned_table(rows);
}

std::string comparison_json(std::span<const Comparison> comparisons) {
  std::string text;
  for (const auto& c : comparisons) {
    const Json line{{"event", "comparison"},
                    {"set", c.set},
                    {"measure", c.label},
                    {"pictures", c.pictures},
                    {"mean_a", number(c.mean_a)},
                    {"mean_b", number(c.mean_b)},
                    {"difference", number(c.difference)},
                    {"low", c.interval ? number(c.interval->low) : Json(nullptr)},
                    {"high", c.interval ? number(c.interval->high) : Json(nullptr)},
                    {"better_share", c.better_share},
                    {"worst_difference", number(c.worst_difference)},
                    {"worst_file", c.worst_name}};
    text += line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  return text + Json{{"event", "summary"}, {"comparisons", comparisons.size()}}.dump() + "\n";
}

}  // namespace chiaro::eval
