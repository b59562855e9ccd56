#include "apps/cli/restore_strips.h"

#include "apps/cli/audit.h"
#include "apps/cli/events.h"
#include "apps/cli/restore_telling.h"
#include "apps/cli/restore_work.h"
#include "chiaro/base/error.h"
#include "chiaro/base/process_memory.h"
#include "chiaro/image/salvage.h"

namespace chiaro::cli {
restore::RestoreOptions with_written(restore::RestoreOptions options, image::SampleType source,
                                     const image::WriteOptions& write, const std::string& format) {
  options.written_as = image::written_type(source, write.depth, format);
  return options;
}

StripsDone restore_in_strips(restore::Restorer& restorer, const std::string& input,
                             const std::string& output, const RestoreArguments& arguments,
                             const restore::RestoreOptions& options,
                             const ProgressCallback& progress, const StripsObserver& observer) {
  image::WriteOptions complete = arguments.write;
  complete.format = output_format(arguments, output);
  const image::Frame source = image::StripReader(input).frame();
  CHIARO_CHECK(
      image::can_write_strips(complete.format), Resource,
      "[cli.restore] '{}' of {} x {} pixels does not fit into memory, and {} cannot be "
      "written in strips; expected png, jpeg, tiff, ppm, exr or hdr, or a larger --max-memory",
      input, source.width, source.height, complete.format);
  check_result(restorer, source.height, source.width, arguments, complete.format);
  restore::StripRestoration strips(
      restorer, [&] { return image::StripReader(input, {}, image::Notes::Unsaid); },
      with_written(options, source.sample_type, complete, complete.format), progress);
  StripsDone done{strips.frame(), strips.report(), 0};
  if (observer.begun) observer.begun(source, strips.plan());
  image::write_strips(
      output, done.result, complete, [&] { return strips.next(); },
      [&](std::span<const std::byte> coded) {
        done.bytes = static_cast<std::int64_t>(coded.size());
        if (observer.coded) observer.coded(coded);
      });
  return done;
}

bool is_piped(const std::string& input) {
  std::error_code failed;
  return input == "-" || std::filesystem::is_fifo(input, failed);
}

image::Probe probe_of(const std::string& input, const RestoreArguments& arguments) {
  return arguments.salvage ? image::probe_damaged(input) : image::probe(input);
}

bool has_to_be_salvaged(const std::string& input, const RestoreArguments& arguments) {
  return arguments.salvage && !image::is_whole(input);
}

std::string whole_picture_option(const RestoreArguments& arguments) {
  if (!arguments.region.empty()) return "--region";
  if (arguments.ensemble) return "--ensemble";
  if (arguments.again) return "--again";
  return arguments.verify_tiles ? "--verify-tiles" : "";
}

bool may_need_strips(const std::string& input, const RestoreArguments& arguments) {
  constexpr std::int64_t kManyPixels = 50'000'000;
  if (!whole_picture_option(arguments).empty() || is_piped(input) || arguments.output == "-")
    return false;
  if (arguments.options.max_memory_bytes > 0) return true;
  const image::Probe probe = probe_of(input, arguments);
  return std::int64_t{probe.width} * probe.height >= kManyPixels;
}

void say_tried_as_whole(const std::string& name, const image::Frame& source,
                        const restore::Passage& passage) {
  spdlog::warn(
      "'{}' of {} x {} pixels may not fit into memory, and cannot be restored in strips ({}): "
      "tried as a whole",
      name, source.width, source.height, passage.obstacle);
}

bool needs_strips(const restore::Restorer& restorer, const std::string& input,
                  const std::string& output, const RestoreArguments& arguments,
                  const restore::RestoreOptions& options) {
  if (!may_need_strips(input, arguments) || has_to_be_salvaged(input, arguments)) return false;
  const image::StripReader reader(input, {}, image::Notes::Unsaid);
  const std::string format = output_format(arguments, output);
  const auto passage = restore::choose_passage(
      restorer, reader, format,
      with_written(options, reader.frame().sample_type, arguments.write, format));
  if (!passage.obstacle.empty()) say_tried_as_whole(input, reader.frame(), passage);
  return passage.in_strips;
}

void restore_one_in_strips(RestoreArguments& arguments, double started, const FileState& before) {
  const std::string& input = arguments.inputs.front();
  restore::Restorer& restorer = *arguments.restorer;
  const StripsObserver observer{
      .begun =
          [&](const image::Frame& source, const restore::RestorePlan& plan) {
            say_start(arguments, restorer, plan, source.height, source.width, true,
                      monotonic_s() - started);
          },
      .coded =
          [&](std::span<const std::byte> coded) {
            expect_unchanged(input, before);
            if (arguments.audit) audit(input, coded, arguments, false);
          }};
  StripsDone done;
  with_progress(arguments, [&](const ProgressCallback& progress) {
    done = restore_in_strips(restorer, input, arguments.output, arguments, arguments.options,
                             progress, observer);
  });
  say_report(done.report, restorer.manifest(), arguments);
  const double seconds = monotonic_s() - started;
  spdlog::info("wrote {} ({} x {}, {:.2f} s)", arguments.output, done.result.width,
               done.result.height, seconds);
  if (!arguments.show.json) return;
  Json event = {{"file", input},
                {"output", arguments.output},
                {"width", done.result.width},
                {"height", done.result.height},
                {"seconds", seconds}};
  event.update(report_json(done.report, restorer.manifest(), arguments));
  print_event("restored", event);
  print_event("summary", {{"done", 1},
                          {"failed", 0},
                          {"seconds", seconds},
                          {"peak_resident_bytes", peak_resident_bytes()},
                          {"exit_status", 0}});
}

}  // namespace chiaro::cli
