#include "chiaro/eval/found_types.h"

#include <algorithm>
#include <set>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"
#include "chiaro/degrade/catalogue.h"
#include "chiaro/degrade/spec.h"
#include "chiaro/eval/evaluate.h"
#include "chiaro/eval/table.h"

namespace chiaro::eval {
namespace {

constexpr std::string_view kClean = "clean";
constexpr std::size_t kMildestPart = 10;

/// The type that stands for a degradation: itself, or the kind it is one of.
std::string type_of(const std::string& name, std::span<const std::string> known) {
  const auto knows = [&](const std::string& type) {
    return std::find(known.begin(), known.end(), type) != known.end();
  };
  if (knows(name)) return name;
  const std::string& kind = degrade::find(name).kind;
  return knows(kind) ? kind : "";
}

/// The tenth of the pictures whose inputs score best: so little damaged that "clean" is right, too.
/// None where the inputs have no PSNR.
std::set<std::size_t> mildest(const Report& report) {
  const auto psnr = std::ranges::find_if(
      report.labels, [](const std::string& label) { return label.starts_with("psnr"); });
  const auto measure = static_cast<std::size_t>(psnr - report.labels.begin());
  std::vector<std::pair<double, std::size_t>> scored;
  for (std::size_t i = 0; i < report.pictures.size(); ++i) {
    const auto& input = report.pictures[i].input;
    if (measure < input.size()) scored.emplace_back(-input[measure], i);
  }
  std::ranges::sort(scored);
  std::set<std::size_t> mild;
  for (std::size_t i = 0; i < scored.size() / kMildestPart; ++i) mild.insert(scored[i].second);
  return mild;
}

}  // namespace

std::vector<std::string> types_of_spec(const std::string& spec,
                                       std::span<const std::string> known) {
  std::vector<std::string> types;
  for (const degrade::Step& step : degrade::parse_spec(spec)) {
    std::string type = type_of(step.name, known);
    if (type.empty()) return {};
    if (std::find(types.begin(), types.end(), type) == types.end())
      types.push_back(std::move(type));
  }
  return types;
}

std::vector<std::string> stated_types(std::string_view text, std::span<const std::string> known) {
  std::vector<std::string> types;
  for (const std::string& part : split(text, '+')) {
    std::string type(trim(part));
    CHIARO_CHECK(std::find(known.begin(), known.end(), type) != known.end(), Usage,
                 "[eval.type] the bundle does not know the type '{}'{}; it knows {}", type,
                 did_you_mean(type, known), join(known));
    types.push_back(std::move(type));
  }
  return types;
}

std::optional<TypeSummary> summarize_types(const Report& report) {
  TypeSummary summary;
  std::size_t right = 0;
  std::size_t right_or_mild = 0;
  const auto mild = mildest(report);
  for (std::size_t i = 0; i < report.pictures.size(); ++i) {
    const std::string& found = report.pictures[i].type_found;
    if (found.empty()) return std::nullopt;
    ++summary.found[found];
    const auto& types = report.types;
    const bool expected = std::find(types.begin(), types.end(), found) != types.end();
    right += expected ? 1U : 0U;
    right_or_mild += expected || (mild.contains(i) && found == kClean) ? 1U : 0U;
  }
  if (report.pictures.empty()) return std::nullopt;
  if (report.types.empty()) return summary;
  const auto count = static_cast<double>(report.pictures.size());
  summary.right_share = static_cast<double>(right) / count;
  summary.right_or_mild_share = static_cast<double>(right_or_mild) / count;
  return summary;
}

std::string types_text(std::span<const Report> reports) {
  std::vector<std::vector<std::string>> rows{
      {"found by the controller", "n", "expected", "right", "named"}};
  std::size_t sets = 0;
  std::size_t pictures = 0;
  double right = 0;
  for (const Report& report : reports) {
    const auto summary = summarize_types(report);
    if (!summary) continue;
    std::vector<std::pair<std::size_t, std::string>> ranked;
    for (const auto& [type, count] : summary->found) ranked.emplace_back(count, type);
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    std::vector<std::string> named;
    for (const auto& [count, type] : ranked) named.push_back(fmt::format("{} {}", type, count));
    rows.push_back(
        {report.set, std::to_string(report.pictures.size()),
         report.types.empty() ? "-" : join(report.types, " or "),
         summary->right_share ? fmt::format("{:.1f} %", 100 * *summary->right_share) : "-",
         join(named)});
    if (!summary->right_share) continue;
    ++sets;
    pictures += report.pictures.size();
    right += *summary->right_share * static_cast<double>(report.pictures.size());
  }
  if (sets > 1)
    rows.push_back({"all of them", std::to_string(pictures), "",
                    fmt::format("{:.1f} %", 100 * right / static_cast<double>(pictures)), ""});
  return rows.size() == 1 ? "" : aligned_table(rows);
}

}  // namespace chiaro::eval
