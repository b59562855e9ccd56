#include "apps/cli/measuring.h"

#include <cstdio>
#include <cstdlib>

#include "apps/cli/interruption.h"
#include "chiaro/base/files.h"
#include "chiaro/base/log.h"
#include "chiaro/base/text.h"
#include "chiaro/eval/metric_files.h"
#include "chiaro/eval/report.h"

namespace chiaro::cli {

void add_metric_options(CLI::App& command, std::vector<std::string>& metrics, std::string& files) {
  command
      .add_option("--metric", metrics,
                  "psnr, ssim, ms_ssim, lpips_squeeze; without a clean picture niqe, brisque")
      ->delimiter(',')
      ->capture_default_str();
  command
      .add_option("--metric-files", files,
                  "folder of the files that lpips_squeeze, niqe and brisque need "
                  "(docs/metrics.md; default $CHIARO_METRIC_DIR)")
      ->type_name("DIR");
}

metrics::Learned learned_for(std::span<const metrics::Measure> measures, const std::string& files,
                             const engine::EngineOptions& options) {
  const char* variable = std::getenv("CHIARO_METRIC_DIR");
  const bool from_variable = files.empty() && variable != nullptr;
  return eval::read_metric_files(measures, from_variable ? variable : files, options);
}

void add_measuring_options(CLI::App& command, MeasuringOptions& options) {
  add_metric_options(command, options.metrics, options.metric_files);
  command.add_option("--preset", options.presets, "convention: " + join(metrics::preset_names()))
      ->delimiter(',')
      ->capture_default_str();
  command.add_option("--channel", options.channel, "rgb or y, instead of the preset's");
  command.add_option("--border", options.border_px, "pixels left out on each side");
  command.add_option(
      "--protocol", options.protocol,
      "any other part of the convention, as key=value (rounding=u8, window=uniform7, "
      "crop_multiple=16, …)");
  command.add_option("--bootstrap-seed", options.bootstrap_seed, "of the 95 % intervals");
  command.add_option("--save-json", options.json_file, "what --json prints, to a file")
      ->type_name("FILE");
  command.add_option("--save-csv", options.csv_file, "one row per picture, to a file")
      ->type_name("FILE");
  add_output_flags(command, options.show);
}

std::vector<metrics::Measure> measures_of(const MeasuringOptions& options) {
  OptionTable overrides;
  if (!options.channel.empty()) overrides["channel"] = options.channel;
  if (options.border_px) overrides["border_px"] = std::int64_t{*options.border_px};
  for (const auto& assignment : options.protocol) {
    const auto equals = assignment.find('=');
    CHIARO_CHECK(equals != std::string::npos && equals > 0, Usage,
                 "[cli.measuring] cannot read --protocol; got '{}'; expected key=value",
                 assignment);
    overrides[std::string(trim(assignment.substr(0, equals)))] =
        parse_value(assignment.substr(equals + 1));
  }
  return metrics::measures(options.metrics, options.presets, overrides);
}

void expect_deliverable(const MeasuringOptions& options) {
  for (const std::string* file : {&options.json_file, &options.csv_file})
    if (!file->empty()) expect_writable(*file, true);
}

void deliver(std::span<const eval::Report> reports, const MeasuringOptions& options,
             const std::string& appendix) {
  const std::string json = eval::report_json(reports);
  if (!options.json_file.empty()) write_file_atomically(options.json_file, json);
  if (!options.csv_file.empty()) write_file_atomically(options.csv_file, eval::report_csv(reports));
  const std::string text = options.show.json ? json : eval::report_text(reports) + appendix;
  std::fputs(text.c_str(), stdout);
}

int tell_unscored(std::span<const eval::Report> reports) {
  std::size_t failed = 0;
  std::size_t checks = 0;
  std::size_t all = 0;
  std::string names;
  for (const eval::Report& report : reports) {
    all += report.count();
    for (const auto& picture : report.failed) {
      ++failed;
      checks += picture.code == ErrorCode::CheckFailed ? 1 : 0;
      names += fmt::format("\n  {}, {}: {}", report.set, picture.name, picture.reason);
    }
  }
  if (failed == 0) return 0;
  spdlog::error("{} of {} pictures not scored, and in no figure:{}", failed, all, names);
  return static_cast<int>(checks == failed ? ErrorCode::CheckFailed : ErrorCode::SomeFailed);
}

eval::Report evaluate_with_bar(const eval::PairSet& set, const eval::RestoreFunction& restore,
                               const std::vector<metrics::Measure>& measures,
                               const eval::EvaluateOptions& options, bool quiet) {
  watch_for_interruption();
  ProgressBar bar(set.name, stderr_is_terminal() && !quiet);
  return eval::evaluate(set, restore, measures, options, [&bar](double done) {
    bar.update(done);
    return !interrupted();
  });
}

}  // namespace chiaro::cli
