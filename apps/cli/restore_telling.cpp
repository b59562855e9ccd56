#include "apps/cli/restore_telling.h"

#include <utility>

#include "apps/cli/inspection_text.h"
#include "apps/cli/interruption.h"
#include "chiaro/base/error.h"

namespace chiaro::cli {
namespace {

constexpr double kManyTimes = 4;

}  // namespace

void say_start(const RestoreArguments& arguments, const restore::Restorer& restorer,
               const restore::RestorePlan& plan, int height, int width, bool in_strips,
               double read_seconds, int pages) {
  if (arguments.show.json) {
    print_event("start", {{"file", arguments.inputs.front()},
                          {"width", width},
                          {"height", height},
                          {"bundle", restorer.manifest().name},
                          {"precision", engine::precision_name(restorer.precision())},
                          {"threads", restorer.threads()},
                          {"tiles", plan.tiles()},
                          {"in_strips", in_strips},
                          {"pages", pages},
                          {"predicted_peak_bytes", plan.predicted_peak_bytes},
                          {"seconds", read_seconds}});
  }
  spdlog::debug(
      "bundle {}, {}, {} threads, {} tiles of {} x {} with overlap {}, about {} resident at the "
      "peak",
      restorer.manifest().name, engine::precision_name(restorer.precision()), restorer.threads(),
      plan.tiles(), plan.window_width_px, plan.window_height_px, plan.overlap_px,
      bytes_text(plan.predicted_peak_bytes));
  const bool limited = arguments.options.max_memory_bytes > 0;
  if (in_strips) {
    spdlog::info(
        "{} x {} pixels are read, restored and written strip by strip ({} of them), never whole in "
        "memory: about {} resident at the peak",
        width, height, plan.rows, bytes_text(plan.predicted_peak_bytes));
  } else if (limited) {
    spdlog::info("about {} resident at the peak", bytes_text(plan.predicted_peak_bytes));
  }
  const double repetition = plan.repetition(height, width);
  if (limited && repetition > kManyTimes)
    spdlog::warn(
        "the memory limit leaves room for small tiles only, whose overlaps are computed again and "
        "again: {:.0f} times the work of the whole picture",
        repetition);
}

void with_progress(const RestoreArguments& arguments,
                   const std::function<void(const ProgressCallback&)>& work) {
  try {
    ProgressBar bar("restoring", stderr_is_terminal() && !arguments.show.quiet);
    work([&](double done) {
      bar.update(done);
      return !interrupted();
    });
  } catch (const Error& error) {
    if (error.code() != ErrorCode::CheckFailed) throw;
    fail(error.code(), "[cli.restore] '{}': {}", arguments.inputs.front(), error.what());
  }
}

void say_report(const restore::RestoreReport& report, const bundle::Manifest& manifest,
                const RestoreArguments& arguments, const std::string& of) {
  if (report.inspection && report.strength > 0) {
    const std::string kinds = kinds_text(*report.inspection, *manifest.condition);
    spdlog::info("{}taken for {}", of, kinds);
  }
  if (!report.blind) {
    spdlog::info("{}not blind: restored as {}", of,
                 restore::stated_text(*arguments.options.stated));
  }
  if (report.guard && report.inspection) {
    const auto text = guard_text(*report.guard, *report.inspection, *manifest.condition);
    if (!text.empty()) spdlog::info("{}{}", of, text);
  }
  if (report.below) {
    spdlog::info("{}restored once more: the result was taken for {}", of,
                 kinds_text(*report.below, *manifest.condition));
  }
}

std::string missing_text(const image::Damage& damage) {
  if (!damage.missing) return "how much of it is missing is not known";
  if (*damage.missing == 0) return "none of its rows is missing";
  if (*damage.missing < 0.01)
    return "less than 1 % of its rows are missing, and grey in the result";
  return fmt::format("about {:.0f} % of its rows are missing, and grey in the result",
                     100 * *damage.missing);
}

Json damage_json(const image::Damage& damage) {
  return {{"incomplete", true},
          {"missing_share", damage.missing ? Json(*damage.missing) : Json(nullptr)}};
}

void say_incomplete(const image::Damage& damage, const OutputFlags& show) {
  spdlog::log(show.quiet ? spdlog::level::err : spdlog::level::warn, "{}; {}", damage.fault,
              missing_text(damage));
}

Json report_json(const restore::RestoreReport& report, const bundle::Manifest& manifest,
                 const RestoreArguments& arguments) {
  if (!manifest.condition) return Json::object();
  Json json = {{"blind", report.blind}, {"strength", report.strength}};
  if (!report.blind) json["as"] = restore::stated_text(*arguments.options.stated);
  if (report.inspection)
    json["inspection"] = inspection_json(*report.inspection, *manifest.condition);
  if (report.below) json["below"] = inspection_json(*report.below, *manifest.condition);
  Json guard = report.guard ? guard_json(*report.guard) : Json::object();
  guard["mode"] = report.guard ? restore::guard_mode_name(arguments.options.guard) : "off";
  json["guard"] = std::move(guard);
  return json;
}

}  // namespace chiaro::cli
