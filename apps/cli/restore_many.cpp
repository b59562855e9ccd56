// chiaro restore with files, folders and patterns: results into a folder.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "apps/cli/batch_report.h"
#include "apps/cli/change.h"
#include "apps/cli/each_picture.h"
#include "apps/cli/events.h"
#include "apps/cli/interruption.h"
#include "apps/cli/restore_arguments.h"
#include "apps/cli/restore_pages.h"
#include "apps/cli/restore_strips.h"
#include "apps/cli/restore_work.h"
#include "apps/cli/shown_text.h"
#include "apps/cli/untouched.h"
#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/base/process_memory.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/engine/cache_folder.h"
#include "chiaro/image/pages.h"
#include "chiaro/image/salvage.h"
#include "chiaro/restore/again.h"
#include "chiaro/restore/batch.h"
#include "chiaro/restore/bundle_search.h"
#include "chiaro/restore/restorer_pool.h"

namespace chiaro::cli {
namespace {

namespace fs = std::filesystem;

restore::BatchPlan batch_of(const RestoreArguments& arguments, const std::string& bundle) {
  CHIARO_CHECK(
      std::ranges::find(arguments.inputs, "-") == arguments.inputs.end() && arguments.output != "-",
      Usage, "[cli.restore] '-' stands for one picture; expected files and folders");
  expect_folder_name(arguments.output);
  CHIARO_CHECK(arguments.region.empty(), Usage,
               "[cli.restore] --region is for one picture; '{}' makes many", arguments.output);
  restore::BatchPlanOptions options{
      .output = arguments.output, .format = arguments.write.format, .bundle = bundle};
  if (!arguments.name.empty()) options.name = arguments.name;
  if (!arguments.shard.empty()) {
    options.shard =
        restore::parse_shard(arguments.shard, [](const char* name) { return std::getenv(name); });
  }
  auto plan = restore::plan_batch(arguments.inputs, options);
  if (arguments.skip_existing) restore::leave_out_existing(plan);
  if (!arguments.skip_existing && !arguments.overwrite) restore::refuse_existing(plan);
  return plan;
}

void show_plan(const restore::BatchPlan& plan, const OutputFlags& show) {
  for (const auto& [input, output] : plan.items) {
    if (show.json) {
      print_event("planned", {{"file", input.string()}, {"output", output.string()}});
    } else {
      fmt::print("{} -> {}\n", input.string(), output.string());
    }
  }
  say_left(plan);
  for (const auto& [path, reason] : plan.unreadable) {
    tell_unreadable(path, fmt::format("[cli.restore] cannot read '{}': {}", path.string(), reason),
                    show.json);
  }
  expect_none_failed(plan.unreadable.size(), plan.items.size() + plan.unreadable.size());
}

/// Of the pictures between file and file; the rest of --max-memory is for the network.
std::int64_t in_flight_bytes(const RestoreArguments& arguments) {
  constexpr std::int64_t kUsual = std::int64_t{1} << 30;
  const std::int64_t limit = arguments.options.max_memory_bytes;
  return limit == 0 ? kUsual : std::min(kUsual, limit / 4);
}

/// A picture of several pages, or one that is larger than memory.
restore::WrittenByItself file_to_file(restore::Restorer& restorer, const restore::BatchItem& item,
                                      const RestoreArguments& arguments,
                                      const restore::RestoreOptions& options,
                                      const ProgressCallback& progress,
                                      const PagesObserver& observer) {
  const std::string output = item.output.string();
  const image::PageReader pages(item.input);
  if (go_by_pages(pages, arguments, output)) {
    const PagesDone done =
        restore_pages(restorer, pages, output, arguments, options, progress, observer);
    return {.width = done.width,
            .height = done.height,
            .bytes = done.bytes,
            .in_strips = false,
            .pages = pages.count(),
            .pixels = done.pixels};
  }
  const StripsDone done = restore_in_strips(restorer, item.input.string(), output, arguments,
                                            options, progress, {.coded = observer.coded});
  const image::Image nothing;
  if (observer.done)
    observer.done({1, done.result.width, done.result.height, done.report, nothing});
  return {.width = done.result.width,
          .height = done.result.height,
          .bytes = done.bytes,
          .pixels = std::int64_t{done.result.width} * done.result.height};
}

/// What is done with each picture; called from several threads (see BatchSteps).
class Work {
 public:
  Work(const RestoreArguments& arguments, restore::RestorerPool& restorers, BatchReport& report)
      : arguments_(arguments), restorers_(restorers), report_(report), options_(arguments.options) {
    if (options_.max_memory_bytes == 0) return;
    // While a picture is restored, others that were let in may still grow.
    options_.max_memory_bytes -= in_flight_bytes(arguments);
    // Settled before there are threads: what the process takes without any picture. Of the rest, a
    // picture that goes through as a whole leaves most to the network, whose tiles would else
    // become so small that their overlaps are most of the work.
    constexpr int kOfWhich = 4;
    const std::int64_t room =
        options_.max_memory_bytes - restorers_.any().plan(64, 64, {}).predicted_peak_bytes;
    // Of an enlargement the source and the result are there together.
    const std::int64_t scale = restorers_.any().manifest().scale;
    const std::int64_t copies = scale == 1 ? 1 : 1 + scale * scale;
    most_whole_values_ = room / kOfWhich / copies / static_cast<std::int64_t>(sizeof(float));
  }

  /// Resident memory of the process when the largest picture is restored and others lie between
  /// file and file; the limit where it goes through by itself; 0 where there is no limit or no
  /// picture that can be read. Called before there are threads.
  std::int64_t predicted_peak_bytes(const restore::BatchPlan& plan) {
    if (options_.max_memory_bytes == 0) return 0;
    const restore::BatchItem* largest = nullptr;
    std::int64_t largest_bytes = 0;
    std::int64_t all_bytes = 0;
    for (const restore::BatchItem& item : plan.items) {
      stop_if_interrupted();
      try {
        const auto bytes = bytes_of(item.input);
        all_bytes += bytes;
        if (bytes > largest_bytes) largest = &item;
        largest_bytes = std::max(largest_bytes, bytes);
      } catch (const Error&) {  // told when its turn comes
      }
    }
    if (largest == nullptr) return 0;
    const std::int64_t others = std::min(in_flight_bytes(arguments_), all_bytes - largest_bytes);
    try {
      if (by_itself(*largest)) return arguments_.options.max_memory_bytes;
      const image::Probe probe = probe_of(largest->input.string(), arguments_);
      const auto of_largest = foretold(restorers_.any(), probe, arguments_, options_);
      options_.max_window_pixels = of_largest.window_pixels();  // nor do others take more
      return others + of_largest.predicted_peak_bytes;
    } catch (const Error&) {
      return 0;
    }
  }

  image::Image read(const fs::path& input) {
    untouched_.reading(input);
    say_cut_off(image::PageReader(input));
    if (!arguments_.salvage) return image::read(input);
    image::Salvaged found = image::salvage(input);
    if (found.damage) {
      report_.incomplete(input, *found.damage);
      untouched_.forget(input);  // it is no result
    }
    return std::move(found.picture);
  }

  image::Image restore(const restore::BatchItem& item, image::Image picture,
                       const ProgressCallback& progress) {
    const MessagesAbout about(shown_text(item.input.string()));
    check_result(restorers_.any(), picture.height(), picture.width(), arguments_,
                 output_format(arguments_, item.output.string()));
    const auto restorer = restorers_.take();
    restore::RestoreReport went_by;
    const Before before(picture);
    const ChangeMeter meter(picture);
    picture = restored_what_is_left(
        *restorer, std::move(picture), report_.damage_of(item.input), arguments_, options_,
        progress, [&](const restore::TileCheck& check) { report_.checked(item, 0, check); },
        &went_by);
    if (before.same_picture(picture, went_by)) untouched_.found_same(item.input);
    report_.restored(item, went_by, meter.levels(picture));
    return picture;
  }

  std::vector<std::byte> encode(const restore::BatchItem& item, const image::Image& picture) {
    const MessagesAbout about(shown_text(item.input.string()));
    image::WriteOptions write = arguments_.write;
    write.format = output_format(arguments_, item.output.string());
    auto file = untouched_.take(item.input, file_will_do(arguments_, picture, write.format));
    if (file) report_.copied(item);
    auto bytes = file ? std::move(*file) : image::encode(picture, write);
    if (arguments_.audit) report_.audited(item, bytes, arguments_);
    return bytes;
  }

  bool by_itself(const restore::BatchItem& item) {
    const std::string input = item.input.string();
    const std::string output = item.output.string();
    if (go_by_pages(image::PageReader(item.input), arguments_, output)) return true;
    if (!may_need_strips(input, arguments_)) return false;
    // Plans are the restoring thread's; without a limit none is made.
    if (options_.max_memory_bytes == 0)
      return needs_strips(restorers_.any(), input, output, arguments_, arguments_.options);
    if (values_of(probe_of(input, arguments_)) <= most_whole_values_) return false;
    CHIARO_CHECK(!has_to_be_salvaged(input, arguments_), Resource,
                 "[cli.restore] '{}' is damaged, and what is left of it can only be restored as a "
                 "whole, for which --max-memory leaves no room",
                 input);
    return true;
  }

  restore::WrittenByItself restore_file(const restore::BatchItem& item,
                                        const ProgressCallback& progress,
                                        const std::function<void()>& unchanged) {
    const MessagesAbout about(shown_text(item.input.string()));
    const auto coded = [&](std::span<const std::byte> bytes) {
      unchanged();
      if (arguments_.audit) report_.audited(item, bytes, arguments_);
    };
    const auto checked = [&](int page, const restore::TileCheck& check) {
      report_.checked(item, page, check);
    };
    const auto done = [&](const PageDone& page) { report_.restored(item, page.report); };
    const auto restorer = restorers_.take();
    return file_to_file(*restorer, item, arguments_, options_, progress,
                        {.done = done, .checked = checked, .coded = coded});
  }

  /// Calls into this object, which must outlive them.
  restore::BatchSteps steps() {
    return {.bytes = [this](const fs::path& input) { return bytes_of(input); },
            .read = [this](const fs::path& input) { return read(input); },
            .restore =
                [this](const restore::BatchItem& item, image::Image picture,
                       const ProgressCallback& progress) {
                  return restore(item, std::move(picture), progress);
                },
            .encode = [this](const restore::BatchItem& item,
                             const image::Image& picture) { return encode(item, picture); },
            .by_itself = [this](const restore::BatchItem& item) { return by_itself(item); },
            .file_to_file =
                [this](const restore::BatchItem& item, const ProgressCallback& progress,
                       const std::function<void()>& unchanged) {
                  return restore_file(item, progress, unchanged);
                }};
  }

 private:
  std::int64_t bytes_of(const fs::path& input) const {
    return restore::picture_bytes(probe_of(input.string(), arguments_),
                                  restorers_.any().manifest().scale);
  }

  static std::int64_t values_of(const image::Probe& picture) {
    return std::int64_t{picture.width} * picture.height * picture.channels;
  }

  const RestoreArguments& arguments_;
  restore::RestorerPool& restorers_;
  BatchReport& report_;
  restore::RestoreOptions options_;
  std::int64_t most_whole_values_ = 0;
  UntouchedFiles untouched_;
};

}  // namespace

void restore_many(RestoreArguments& arguments) {
  const auto bundle = [&arguments] { return restore::find_bundle(arguments.engine.bundle); };
  // The plan is settled before the network is loaded.
  const bool named = arguments.name.find("{bundle}") != std::string::npos;
  const std::string name = named ? bundle::read_manifest(bundle()).name : "";
  share_few_heaps();
  return_large_blocks_at_once();
  image::start_codecs();  // before there is a second thread
  const restore::BatchPlan plan = batch_of(arguments, name);
  if (arguments.dry_run) return show_plan(plan, arguments.show);
  if (!plan.items.empty()) restore::prepare_folders(plan);
  const int engines = arguments.engines > 0
                          ? arguments.engines
                          : restore::fastest_restorers(plan.items.size(), arguments.engine.threads,
                                                       arguments.options.max_memory_bytes);
  engine::EngineOptions options = engine_options(arguments.engine);
  const bool limited = arguments.options.max_memory_bytes > 0;
  options.many_shapes = !limited;  // what it takes is in no plan, nor what goes into the cache
  options.spare_memory = limited;
  if (!limited) options.cache = engine::cache_folder();
  restore::RestorerPool restorers(
      restore::open_restorers(bundle::read_bundle(bundle()), options, engines));

  restorers.any().expect_possible(arguments.options);
  if (arguments.again) restore::expect_possible_again(restorers.any(), arguments.options);
  watch_for_interruption();
  BatchReport report(plan, arguments, restorers.any().manifest());
  Work work(arguments, restorers, report);
  report.begin(work.predicted_peak_bytes(plan));
  const auto summary =
      restore::run_batch(plan.items, work.steps(),
                         {.restorers = engines,
                          .in_flight_bytes = in_flight_bytes(arguments),
                          .fail_fast = arguments.fail_fast,
                          .existing = arguments.write.existing},
                         {.done = [&](const restore::BatchDone& one) { report.done(one); },
                          .failed = [&](const restore::BatchItem& item,
                                        const Error& error) { report.failed(item, error); },
                          .keep_going =
                              [&](double share) {
                                report.show_progress(share);
                                return !interrupted();
                              }});
  if (!limited && summary.done > 0 && !interrupted()) restorers.take()->keep_prepared();
  if (const int status = report.finish(summary); status != 0) throw EndWith{status};
}

}  // namespace chiaro::cli
