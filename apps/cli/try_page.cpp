#include "apps/cli/try_page.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "apps/cli/change.h"

namespace chiaro::cli {
namespace {

ReportTable ranking(const Comparison& all) {
  ReportTable table{.heads = {"bundle", "seconds"}};
  if (all.by != By::Nothing) {
    table.heads.emplace_back(all.by == By::DamageSeen ? "damage seen" : "all parts");
    for (std::size_t p = 0; p < all.parts.size(); ++p)
      table.heads.push_back(fmt::format("part {}", p + 1));
  }
  // What is in the head need not be in every cell.
  const auto cell = [&](double rating) {
    return all.by == By::DamageSeen ? fmt::format("{:.3f}", rating) : rating_text(rating, all.by);
  };
  const auto add = [&](const std::string& name, const std::string& seconds,
                       const std::vector<double>& ratings) {
    std::vector<std::string> row{name, seconds};
    if (all.by != By::Nothing) row.push_back(cell(overall(ratings, all.by)));
    for (const double rating : ratings) row.push_back(cell(rating));
    table.rows.push_back(std::move(row));
  };
  add("as it was", "–", all.before_ratings);
  for (std::size_t i = 0; i < all.trials.size(); ++i)
    add(fmt::format("{}. {}", i + 1, all.trials[i].bundle),
        fmt::format("{:.2f}", all.trials[i].seconds), all.trials[i].ratings);
  if (all.by == By::DamageSeen) {
    table.notes.push_back(fmt::format(
        "Damage seen, 0 to 1: how probable a damage is times how severe, summed over the kinds "
        "that the controller of {} saw in the part as it was; of a result, what it still sees of "
        "that. Lower is better, but it is an opinion: look at the pictures.",
        all.judge));
  } else if (all.by == By::Psnr) {
    table.notes.push_back(
        fmt::format("PSNR against the clean picture, higher is better; of all parts by the mean of "
                    "their squared errors: {}",
                    metrics::fingerprint(psnr_of_parts().metric, psnr_of_parts().protocol)));
  }
  return table;
}

}  // namespace

metrics::Measure psnr_of_parts() {
  const std::vector<std::string> metric{"psnr"};
  const std::vector<std::string> preset{"chiaro"};
  return metrics::measures(metric, preset).front();
}

double overall(const std::vector<double>& ratings, By by) {
  const auto mean_of = [&](const auto& value) {
    double sum = 0;
    for (const double rating : ratings) sum += value(rating);
    return sum / static_cast<double>(ratings.size());
  };
  if (by != By::Psnr) return mean_of([](double rating) { return rating; });
  return -10 * std::log10(mean_of([](double psnr) { return std::pow(10, -psnr / 10); }));
}

std::string rating_text(double rating, By by) {
  if (by == By::DamageSeen) return fmt::format("damage seen {:.3f}", rating);
  return std::isfinite(rating) ? fmt::format("{:.2f} dB", rating) : "identical";
}

std::string part_text(const TellingCrop& part, std::size_t number) {
  const auto& [x, y, width, height] = part.region;
  return fmt::format("Part {}: {} ({} × {} pixels at {}, {})", number + 1, part.why, width, height,
                     x, y);
}

ReportPage try_page(const Comparison& all) {
  ReportPage page{
      .title = all.photo,
      .lead = fmt::format(
          "{} of the picture, restored by {}. Frames of one part show the same place: zoom or move "
          "one, and the others follow.",
          all.parts.size() == 1 ? std::string("A part") : fmt::format("{} parts", all.parts.size()),
          all.trials.size() == 1 ? std::string("one bundle")
                                 : fmt::format("{} bundles", all.trials.size())),
      .table = ranking(all)};
  for (std::size_t p = 0; p < all.parts.size(); ++p) {
    ReportPart part{.title = part_text(all.parts[p], p),
                    .before = page_picture("as it was", all.before[p])};
    for (std::size_t i = 0; i < all.trials.size(); ++i) {
      const Trial& trial = all.trials[i];
      std::string name = fmt::format("{}. {}", i + 1, trial.bundle);
      if (all.by != By::Nothing) name += ": " + rating_text(trial.ratings[p], all.by);
      if (trial.changes[p] < kHardlyLevels)
        name += trial.changes[p] == 0 ? ", unchanged" : ", hardly changed";
      part.afters.push_back(page_picture(name, trial.results[p]));
    }
    if (!all.clean.empty()) part.clean = page_picture("clean", all.clean[p]);
    page.parts.push_back(std::move(part));
  }
  return page;
}

}  // namespace chiaro::cli
