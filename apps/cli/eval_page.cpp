#include "apps/cli/eval_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "chiaro/metrics/score.h"

namespace chiaro::cli {
namespace {

using metrics::score_text;

std::string source_text(const eval::Report& report) {
  if (report.degradation.empty()) return fmt::format("{}: pictures of files", report.set);
  return fmt::format("{}: {}, seed {}", report.set, report.degradation, report.seed);
}

std::vector<std::string> eval_row(const eval::Report& report, std::size_t measure) {
  const eval::Summary summary = eval::summarize(report, measure);
  const auto& interval = summary.restored_interval;
  return {report.set,
          report.labels[measure],
          eval::scored_text(report),
          score_text(summary.restored),
          interval ? fmt::format("{} to {}", score_text(interval->low), score_text(interval->high))
                   : "–",
          summary.input ? score_text(*summary.input) : "–",
          summary.input ? score_text(summary.gain) : "–",
          summary.input ? fmt::format("{:.1f} %", 100 * summary.worse_share) : "–"};
}

ReportPart case_part(const eval::Report& report, const eval::WorstCase& one) {
  ReportPart part{
      .title = fmt::format("{}: {}, {} {} → {} ({} × {} pixels at {}, {})", report.set, one.name,
                           report.labels.front(), score_text(one.input), score_text(one.restored),
                           one.before.width(), one.before.height(), one.x, one.y),
      .before = page_picture("before", one.before)};
  part.afters.push_back(page_picture("restored", one.after));
  if (!one.target.empty()) part.clean = page_picture("clean", one.target);
  return part;
}

}  // namespace

ReportPage eval_page(std::span<const eval::Report> reports,
                     std::span<const std::vector<eval::WorstCase>> worst) {
  const eval::Report& first = reports.front();
  ReportPage page{
      .title = "Evaluation",
      .lead = fmt::format(
          "{}. Below the table the pictures of each set that gained least in {}, the worst first: "
          "of each the part in which the result is farthest from what it should be. Frames of one "
          "part show the same place.",
          first.restorer, first.labels.front())};
  page.table.heads = {"set",           "measure", "pictures", "restored",
                      "95 % interval", "input",   "gain",     "made worse"};
  for (const eval::Report& report : reports) {
    for (std::size_t m = 0; m < report.labels.size(); ++m)
      page.table.rows.push_back(eval_row(report, m));
    page.table.notes.push_back(source_text(report));
    for (const auto& picture : report.failed)
      page.table.notes.push_back(
          fmt::format("{}: {} was not scored: {}", report.set, picture.name, picture.reason));
  }
  for (std::size_t m = 0; m < first.labels.size(); ++m) {
    page.table.notes.push_back(
        fmt::format("{}: {}{}", first.labels[m], first.fingerprints[m],
                    eval::lower_is_better(first, m) ? "; lower is better" : ""));
  }
  page.table.notes.push_back(fmt::format("Intervals: bootstrap over scenes, seed {}, {} resamples",
                                         first.bootstrap.seed, first.bootstrap.resamples));
  for (std::size_t i = 0; i < reports.size(); ++i) {
    for (const eval::WorstCase& one : worst[i]) page.parts.push_back(case_part(reports[i], one));
  }
  return page;
}

}  // namespace chiaro::cli
