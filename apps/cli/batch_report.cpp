#include "apps/cli/batch_report.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "apps/cli/audit.h"
#include "apps/cli/change.h"
#include "apps/cli/events.h"
#include "apps/cli/interruption.h"
#include "apps/cli/restore_telling.h"
#include "apps/cli/restore_work.h"
#include "chiaro/base/log.h"
#include "chiaro/base/process_memory.h"
#include "chiaro/base/text.h"

namespace chiaro::cli {
namespace {

constexpr double kBarEverySeconds = 0.2;
constexpr double kLineEverySeconds = 30;
constexpr std::size_t kNamedAtMost = 20;

std::string pictures_text(std::size_t count) {
  return fmt::format("{} picture{}", count, count == 1 ? "" : "s");
}

/// "noise 12, rain 3": the most frequent first.
std::string counts_text(const std::map<std::string, std::size_t>& counts) {
  std::vector<std::pair<std::string, std::size_t>> sorted(counts.begin(), counts.end());
  std::ranges::stable_sort(sorted, std::greater<>(), &std::pair<std::string, std::size_t>::second);
  std::vector<std::string> words;
  for (const auto& [name, count] : sorted) words.push_back(fmt::format("{} {}", name, count));
  return join(words);
}

}  // namespace

BatchReport::BatchReport(const restore::BatchPlan& plan, const RestoreArguments& arguments,
                         const bundle::Manifest& manifest)
    : plan_(plan),
      arguments_(arguments),
      manifest_(manifest),
      show_(arguments.show),
      bar_(stderr_is_terminal() && !arguments.show.quiet),
      started_(monotonic_s()),
      last_shown_(started_) {}

BatchReport::~BatchReport() {
  clear_bar();
}

void BatchReport::clear_bar() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
  shown_ = false;
}

void say_left(const restore::BatchPlan& plan) {
  if (plan.existing > 0)
    spdlog::info(
        "{}", plan.existing == 1
                  ? "1 picture exists already and stays as it is"
                  : fmt::format("{} pictures exist already and stay as they are", plan.existing));
  if (plan.left_aside > 0)
    spdlog::info("left aside in the folders, being hidden or no pictures by name: {}",
                 plan.left_aside == 1 ? "1 entry" : fmt::format("{} entries", plan.left_aside));
}

void BatchReport::begin(std::int64_t predicted_peak_bytes) {
  if (arguments_.options.stated)
    spdlog::info("not blind: restored as {}", restore::stated_text(*arguments_.options.stated));
  say_left(plan_);
  std::vector<std::string> formats;
  for (const auto& [input, output] : plan_.items)
    formats.push_back(output_format(arguments_, output.string()));
  say_idle_flags(arguments_, formats);
  if (predicted_peak_bytes > 0)
    spdlog::info("about {} resident at the peak", bytes_text(predicted_peak_bytes));
  if (show_.json) {
    Json plan{{"pictures", plan_.items.size()},           {"existing", plan_.existing},
              {"in_other_shards", plan_.in_other_shards}, {"left_aside", plan_.left_aside},
              {"output", plan_.output.string()},          {"bundle", manifest_.name}};
    if (predicted_peak_bytes > 0) plan["predicted_peak_bytes"] = predicted_peak_bytes;
    print_event("plan", plan);
  }
  for (const auto& [path, reason] : plan_.unreadable) {
    fail_with(path.string(), "", reason, static_cast<int>(ErrorCode::Input));
  }
}

void BatchReport::restored(const restore::BatchItem& item, const restore::RestoreReport& report,
                           std::optional<double> change_levels) {
  const std::lock_guard lock(mutex_);
  went_by_[&item].push_back({report, change_levels});
}

void BatchReport::copied(const restore::BatchItem& item) {
  const std::lock_guard lock(mutex_);
  copied_.insert(&item);
}

void BatchReport::incomplete(const std::filesystem::path& input, const image::Damage& damage) {
  const std::lock_guard lock(mutex_);
  clear_bar();
  say_incomplete(damage, show_);
  damages_[input] = damage;
}

std::optional<image::Damage> BatchReport::damage_of(const std::filesystem::path& input) {
  const std::lock_guard lock(mutex_);
  return found_damage(input);
}

/// Called with the lock held.
std::optional<image::Damage> BatchReport::found_damage(const std::filesystem::path& input) const {
  const auto found = damages_.find(input);
  return found == damages_.end() ? std::nullopt : std::optional(found->second);
}

/// Of a picture of several pages, as if each were one.
void BatchReport::count(const std::vector<WentBy>& pages, bool copied) {
  for (const auto& [report, change_levels] : pages) {
    const bool hardly = change_levels && *change_levels < kHardlyLevels;
    if (report.strength > 0 && hardly && !copied) ++hardly_changed_;
    if (report.inspection) ++found_[manifest_.condition->types[report.inspection->top()]];
    if (report.below) ++restored_again_;
    if (!report.guard) continue;
    if (report.guard->strength == 0) {
      ++left_alone_;
    } else if (report.guard->strength < restore::kNotableStrength) {
      ++held_back_;
    }
  }
}

void BatchReport::done(const restore::BatchDone& one) {
  const std::lock_guard lock(mutex_);
  const std::vector<WentBy> pages = std::exchange(went_by_[&one.item], {});
  went_by_.erase(&one.item);
  count(pages, copied_.contains(&one.item));
  const auto damage = found_damage(one.item.input);
  if (damage) ++incomplete_;
  ++done_;
  megapixels_ += static_cast<double>(one.pixels) / 1e6;
  if (show_.verbose) {
    clear_bar();
    spdlog::info("wrote {} ({} x {}, {:.2f} s)", one.item.output.string(), one.width, one.height,
                 one.restore_seconds);
    for (std::size_t i = 0; i < pages.size(); ++i) {
      const std::string page = pages.size() > 1 ? fmt::format(", page {}", i + 1) : "";
      const std::string of = one.item.input.string() + page + ": ";
      say_report(pages[i].report, manifest_, arguments_, of);
      const auto change = pages[i].change_levels;
      if (pages[i].report.strength > 0 && change && *change < kHardlyLevels)
        spdlog::info("{}hardly anything has changed ({} of 255 levels on the average)", of,
                     change_text(*change));
    }
  }
  if (!show_.json) return;
  Json event = {{"file", one.item.input.string()},
                {"output", one.item.output.string()},
                {"width", one.width},
                {"height", one.height},
                {"bytes", one.bytes},
                {"seconds", one.read_seconds + one.restore_seconds + one.write_seconds},
                {"read_seconds", one.read_seconds},
                {"restore_seconds", one.restore_seconds},
                {"write_seconds", one.write_seconds},
                {"pages", one.pages},
                {"in_strips", one.in_strips},
                {"copied", copied_.contains(&one.item)}};
  if (!one.picture.empty()) event["pixels_sha256"] = pixels_sha256(one.picture);
  if (damage) event.update(damage_json(*damage));
  if (pages.size() == 1) {
    event.update(report_json(pages.front().report, manifest_, arguments_));
    if (pages.front().change_levels) event["change_levels"] = *pages.front().change_levels;
  }
  for (const WentBy& page : pages) {
    if (pages.size() > 1 && manifest_.condition)
      event["by_page"].push_back(report_json(page.report, manifest_, arguments_));
  }
  print_event("restored", event);
}

void BatchReport::checked(const restore::BatchItem& item, int page,
                          const restore::TileCheck& check) {
  const std::lock_guard lock(mutex_);
  clear_bar();
  say_tile_check(item.input.string(), page, check, show_);
}

void BatchReport::audited(const restore::BatchItem& item, std::span<const std::byte> result,
                          const RestoreArguments& arguments) {
  const std::lock_guard lock(mutex_);
  clear_bar();
  audit(item.input.string(), result, arguments, true, found_damage(item.input));
}

void BatchReport::failed(const restore::BatchItem& item, const Error& error) {
  const std::lock_guard lock(mutex_);
  went_by_.erase(&item);
  fail_with(item.input.string(), item.output.string(), error.what(), error.exit_status());
}

void BatchReport::fail_with(const std::string& file, const std::string& output,
                            const std::string& reason, int status) {
  failures_.push_back({file, reason, status});
  if (show_.verbose) {  // else the count in the progress, and the summary
    clear_bar();
    spdlog::warn("not done: {}: {}", file, reason);
  }
  if (!show_.json) return;
  print_event("failed",
              {{"file", file}, {"output", output}, {"message", reason}, {"exit_status", status}});
}

void BatchReport::show_progress(double share) {
  const std::lock_guard lock(mutex_);
  const double now = monotonic_s();
  if (now - last_shown_ < (bar_ ? kBarEverySeconds : kLineEverySeconds)) return;
  last_shown_ = now;
  const double elapsed = now - started_;
  const std::size_t total = plan_.items.size() + plan_.unreadable.size();
  const std::size_t settled = done_ + failures_.size();
  const double position =
      std::min(static_cast<double>(settled) + share, static_cast<double>(total));
  const std::string left =
      settled == 0 ? "?"
                   : duration_text(elapsed * (static_cast<double>(total) - position) / position);
  const std::string line =
      fmt::format("{} of {}{}  {:.2f} pictures/s  {:.1f} MP/s  {} left", settled, total,
                  failures_.empty() ? "" : fmt::format(" ({} not done)", failures_.size()),
                  static_cast<double>(done_) / elapsed, megapixels_ / elapsed, left);
  if (!bar_) return spdlog::info("{}", line);
  const auto filled = static_cast<int>(position * 30 / static_cast<double>(total));
  // Not by fmt::print, which throws where the terminal has gone.
  const std::string bar =
      fmt::format("\r\x1b[Krestoring [{:#<{}}{:-<{}}] {}", "", filled, "", 30 - filled, line);
  std::fputs(bar.c_str(), stderr);
  std::fflush(stderr);
  shown_ = true;
}

/// 7 where all that failed are checks that said no.
int BatchReport::exit_status(const restore::BatchSummary& summary) const {
  if (!summary.stopped.empty() && summary.stop_code != ErrorCode::SomeFailed) {
    return summary.stop_code == ErrorCode::Interrupted ? interruption_status()
                                                       : static_cast<int>(summary.stop_code);
  }
  if (failures_.empty()) return 0;
  constexpr int kCheck = static_cast<int>(ErrorCode::CheckFailed);
  const bool checks = std::ranges::all_of(
      failures_, [](int status) { return status == kCheck; }, &Failure::status);
  return checks ? kCheck : static_cast<int>(ErrorCode::SomeFailed);
}

int BatchReport::finish(const restore::BatchSummary& summary) {
  clear_bar();
  const double seconds = std::max(summary.seconds, 1e-9);
  const std::size_t failed = failures_.size();
  const int status = exit_status(summary);
  if (summary.done > 0)
    spdlog::info("{} restored in {}: {:.2f} pictures/s, {:.1f} MP/s", pictures_text(summary.done),
                 duration_text(seconds), static_cast<double>(summary.done) / seconds,
                 summary.megapixels / seconds);
  if (!copied_.empty())
    spdlog::info("{} of them came out unchanged: the file itself was copied", copied_.size());
  if (incomplete_ > 0)
    spdlog::warn("{} of them {} incomplete, as was said", incomplete_,
                 incomplete_ == 1 ? "is" : "are");
  if (!found_.empty()) spdlog::info("found: {}", counts_text(found_));
  if (arguments_.again)
    spdlog::info("{} of them {} restored once more, for what showed in the result{}",
                 restored_again_, restored_again_ == 1 ? "was" : "were",
                 show_.verbose || restored_again_ == 0 ? "" : "; --verbose says which");
  std::vector<std::string> guarded;
  if (left_alone_ > 0) guarded.push_back(fmt::format("left {} as they are", left_alone_));
  if (held_back_ > 0) guarded.push_back(fmt::format("restored {} with less strength", held_back_));
  if (!guarded.empty())
    spdlog::info("the guard {}{}", join(guarded, " and "),
                 show_.verbose ? "" : "; --verbose says which");
  if (hardly_changed_ > 0)
    spdlog::info(
        "{} more were to be restored and have hardly changed (by less than {} of 255 levels on the "
        "average){}",
        hardly_changed_, kHardlyLevels, show_.verbose ? "" : "; --verbose says which");
  if (failed > 0) {
    std::string names;
    for (const Failure& failure : failures_)
      names += fmt::format("\n  {}: {}", failure.file, failure.reason);
    spdlog::error("{} not done:{}", pictures_text(failed), names);
  }
  if (!summary.stopped.empty()) {
    std::string names;
    for (std::size_t i = 0; i < std::min(kNamedAtMost, summary.not_done.size()); ++i)
      names += "\n  " + summary.not_done[i]->input.string();
    if (summary.not_done.size() > kNamedAtMost)
      names += fmt::format("\n  and {} more", summary.not_done.size() - kNamedAtMost);
    spdlog::error("{}; {} not begun or dropped, which --skip-existing goes on with:{}",
                  summary.stopped, pictures_text(summary.not_done.size()), names);
  }
  if (!show_.json) return status;
  for (const restore::BatchItem* item : summary.not_done)
    print_event("not_begun", {{"file", item->input.string()}, {"output", item->output.string()}});
  print_event("summary", {{"done", summary.done},
                          {"incomplete", incomplete_},
                          {"failed", failed},
                          {"not_begun", summary.not_done.size()},
                          {"existing", plan_.existing},
                          {"left_alone", left_alone_},
                          {"copied", copied_.size()},
                          {"held_back", held_back_},
                          {"hardly_changed", hardly_changed_},
                          {"restored_again", restored_again_},
                          {"found", found_},
                          {"seconds", summary.seconds},
                          {"megapixels", summary.megapixels},
                          {"pictures_per_second", static_cast<double>(summary.done) / seconds},
                          {"megapixels_per_second", summary.megapixels / seconds},
                          {"network_waited_seconds", summary.waited_seconds},
                          {"peak_resident_bytes", peak_resident_bytes()},
                          {"stopped", summary.stopped},
                          {"exit_status", status}});
  return status;
}

}  // namespace chiaro::cli
