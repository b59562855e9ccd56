// chiaro restore with files, folders and patterns: results into a folder.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "apps/cli/batch_report.h"
#include "apps/cli/events.h"
#include "apps/cli/interruption.h"
#include "apps/cli/restore_arguments.h"
#include "apps/cli/restore_pages.h"
#include "apps/cli/restore_strips.h"
#include "apps/cli/restore_work.h"
#include "chiaro/base/error.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/image/pages.h"
#include "chiaro/restore/batch.h"
#include "chiaro/restore/bundle_search.h"
#include "chiaro/restore/restorer_pool.h"

namespace chiaro::cli {
namespace {

namespace fs = std::filesystem;

restore::BatchPlan plan_of(const RestoreArguments& arguments, const std::string& bundle) {
  std::error_code failed;
  CHIARO_CHECK(
      std::ranges::find(arguments.inputs, "-") == arguments.inputs.end() && arguments.output != "-",
      Usage, "[cli.restore] '-' stands for one picture; expected files and folders");
  CHIARO_CHECK(arguments.output.ends_with('/') || fs::exists(arguments.output, failed) ||
                   image::format_written_as(arguments.output).empty(),
               Usage,
               "[cli.restore] '{}' is the name of one picture, and there may be several; expected "
               "a folder ('{}/' if it is to be called so)",
               arguments.output, arguments.output);
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

restore::BatchSteps steps_of(const RestoreArguments& arguments, restore::RestorerPool& restorers,
                             BatchReport& report) {
  // While a picture is restored, others that were let in may still grow.
  const auto options = std::make_shared<restore::RestoreOptions>(arguments.options);
  if (options->max_memory_bytes > 0) options->max_memory_bytes -= in_flight_bytes(arguments);
  // Settled before there are threads: what the process takes without any picture.
  const std::int64_t limit = options->max_memory_bytes;
  const std::int64_t floor =
      limit > 0 ? restorers.any().plan(64, 64, {}).predicted_peak_bytes : std::int64_t{0};
  return {.bytes =
              [&restorers](const fs::path& input) {
                return restore::picture_bytes(input, restorers.any().manifest().scale);
              },
          .read = [](const fs::path& input) { return image::read(input); },
          .restore =
              [&restorers, &arguments, options, &report](const restore::BatchItem& item,
                                                         image::Image picture,
                                                         const ProgressCallback& progress) {
                check_result(restorers.any(), picture.height(), picture.width(), arguments,
                             output_format(arguments, item.output.string()));
                const auto restorer = restorers.take();
                restore::RestoreReport went_by;
                picture = restored_as_asked(
                    *restorer, std::move(picture), arguments, *options, progress,
                    [&](const restore::TileCheck& check) { report.checked(item, 0, check); },
                    &went_by);
                report.restored(item, went_by);
                return picture;
              },
          .encode =
              [&arguments, &report](const restore::BatchItem& item, const image::Image& picture) {
                image::WriteOptions write = arguments.write;
                write.format = output_format(arguments, item.output.string());
                auto bytes = image::encode(picture, write);
                if (arguments.audit) report.audited(item, bytes, arguments);
                return bytes;
              },
          .by_itself =
              [&restorers, &arguments, limit, floor](const restore::BatchItem& item) {
                const std::string input = item.input.string();
                const std::string output = item.output.string();
                if (go_by_pages(image::PageReader(item.input), arguments, output)) return true;
                if (!may_need_strips(input, arguments)) return false;
                // Plans are the restoring thread's; without a limit none is made.
                if (limit == 0)
                  return needs_strips(restorers.any(), input, output, arguments, arguments.options);
                return restore::picture_bytes(item.input, restorers.any().manifest().scale) >
                       limit - floor;
              },
          .file_to_file =
              [&restorers, &arguments, options, &report](const restore::BatchItem& item,
                                                         const ProgressCallback& progress,
                                                         const std::function<void()>& unchanged) {
                const auto coded = [&](std::span<const std::byte> bytes) {
                  unchanged();
                  if (arguments.audit) report.audited(item, bytes, arguments);
                };
                const auto checked = [&](int page, const restore::TileCheck& check) {
                  report.checked(item, page, check);
                };
                const auto done = [&](const PageDone& page) { report.restored(item, page.report); };
                const auto restorer = restorers.take();
                return file_to_file(*restorer, item, arguments, *options, progress,
                                    {.done = done, .checked = checked, .coded = coded});
              }};
}

}  // namespace

void restore_many(RestoreArguments& arguments) {
  const auto bundle = [&arguments] { return restore::find_bundle(arguments.engine.bundle); };
  // The plan is settled before the network is loaded.
  const bool named = arguments.name.find("{bundle}") != std::string::npos;
  const std::string name = named ? bundle::read_manifest(bundle()).name : "";
  image::start_codecs();  // before there is a second thread
  const restore::BatchPlan plan = plan_of(arguments, name);
  if (arguments.dry_run) return show_plan(plan, arguments.show);
  if (!plan.items.empty()) restore::prepare_folders(plan);
  const int engines = arguments.engines > 0
                          ? arguments.engines
                          : restore::fastest_restorers(plan.items.size(), arguments.engine.threads,
                                                       arguments.options.max_memory_bytes);
  engine::EngineOptions options = engine_options(arguments.engine);
  options.many_shapes = arguments.options.max_memory_bytes == 0;  // what it takes is in no plan
  restore::RestorerPool restorers(
      restore::open_restorers(bundle::read_bundle(bundle()), options, engines));

  watch_for_interruption();
  BatchReport report(plan, arguments, restorers.any().manifest());
  report.begin();
  const auto summary =
      restore::run_batch(plan.items, steps_of(arguments, restorers, report),
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
  if (const int status = report.finish(summary); status != 0) throw EndWith{status};
}

}  // namespace chiaro::cli
