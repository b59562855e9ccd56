#include "apps/cli/restore_strips.h"

#include <optional>

#include "apps/cli/audit.h"
#include "apps/cli/events.h"
#include "apps/cli/restore_telling.h"
#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/base/process_memory.h"
#include "chiaro/image/strips.h"
#include "chiaro/restore/strip_restoration.h"

namespace chiaro::cli {

bool restored_in_strips(RestoreArguments& arguments, double started) {
  const std::string& input = arguments.inputs.front();
  restore::Restorer& restorer = *arguments.restorer;
  const image::Frame source = image::StripReader(input).frame();
  if (!restore::exceeds_memory(restorer, source, arguments.options)) return false;
  image::WriteOptions write = arguments.write;
  if (write.format.empty()) write.format = image::format_written_as(arguments.output);
  CHIARO_CHECK(image::can_write_strips(write.format), Resource,
               "[cli.restore] '{}' of {} x {} pixels does not fit into memory, and {} cannot be "
               "written in strips; expected png, jpeg, tiff or ppm, or a larger --max-memory",
               input, source.width, source.height, write.format);

  restore::RestoreReport report;
  image::Frame result;
  with_progress(arguments, [&](const ProgressCallback& progress) {
    restore::StripRestoration strips(
        restorer, [&] { return image::StripReader(input); }, arguments.options, progress);
    report = strips.report();
    result = strips.frame();
    say_start(arguments, restorer, strips.plan(), source.height, source.width, true,
              monotonic_s() - started);
    image::write_strips(
        arguments.output, result, write, [&] { return strips.next(); },
        [&](std::span<const std::byte> coded) {
          if (arguments.audit) audit(input, coded, arguments, false);
        });
  });
  say_report(report, restorer, arguments);
  const double written = monotonic_s();
  spdlog::info("wrote {} ({} x {}, {:.2f} s)", arguments.output, result.width, result.height,
               written - started);
  if (!arguments.show.json) return true;
  Json event = {{"file", input},
                {"output", arguments.output},
                {"width", result.width},
                {"height", result.height},
                {"seconds", written - started}};
  event.update(report_json(report, restorer.manifest(), arguments));
  print_event("restored", event);
  print_event("summary", {{"done", 1},
                          {"failed", 0},
                          {"seconds", written - started},
                          {"peak_resident_bytes", peak_resident_bytes()}});
  return true;
}

}  // namespace chiaro::cli
