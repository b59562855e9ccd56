// chiaro report: pictures before and after on one web page that needs nothing else.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/cli/commands.h"
#include "apps/cli/events.h"
#include "apps/cli/flags.h"
#include "apps/cli/inspection_text.h"
#include "apps/cli/interruption.h"
#include "apps/cli/measuring.h"
#include "apps/cli/report_page.h"
#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/log.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/image/codec.h"
#include "chiaro/metrics/score.h"
#include "chiaro/restore/bundle_search.h"
#include "chiaro/restore/inspector.h"

namespace chiaro::cli {
namespace {

namespace fs = std::filesystem;

struct ReportArguments {
  std::string before;
  std::vector<std::string> afters;
  std::string clean;
  std::string output;
  std::vector<std::string> metrics{"psnr", "ssim"};
  std::string metric_files;
  std::vector<std::string> presets{"chiaro"};
  bool no_inspect = false;
  bool overwrite = false;
  EngineFlags engine;
  OutputFlags show;
};

struct Read {
  image::Image picture;
  ReportPicture shown;
};

std::string shown_score(double score, metrics::Metric metric) {
  if (!std::isfinite(score)) return score > 0 ? "identical" : "–";
  return metric == metrics::Metric::Psnr ? fmt::format("{:.2f} dB", score)
                                         : fmt::format("{:.4f}", score);
}

/// The last `parts` names of a path.
std::string ending(const fs::path& path, std::ptrdiff_t parts) {
  const auto all = std::distance(path.begin(), path.end());
  fs::path kept;
  for (auto part = std::next(path.begin(), std::max<std::ptrdiff_t>(0, all - parts));
       part != path.end(); ++part)
    kept /= *part;
  return kept.string();
}

/// What files are called on the page: their names, with as many folders as tell them apart.
std::vector<std::string> told_apart(const std::vector<std::string>& files) {
  std::vector<std::string> names;
  for (const std::string& file : files) {
    const auto like_another = [&](std::ptrdiff_t parts) {
      return std::ranges::any_of(files, [&](const std::string& other) {
        return other != file && ending(other, parts) == ending(file, parts);
      });
    };
    std::ptrdiff_t parts = 1;
    while (like_another(parts) && ending(file, parts) != ending(file, parts + 1)) ++parts;
    names.push_back(ending(file, parts));
  }
  return names;
}

/// Files that browsers show go in as they are, others as PNG of 8 bits.
Read read_one(const std::string& name) {
  stop_if_interrupted();
  std::vector<std::byte> file = read_file(name);
  image::Image picture = image::decode(file, name);
  std::string format = picture.metadata.source_format;
  if (format != "png" && format != "jpeg" && format != "webp" && format != "gif") {
    file =
        image::encode(picture, {.format = "png", .depth = image::Depth::U8, .say_losses = false});
    format = "png";
  }
  ReportPicture shown{.name = fs::path(name).filename().string(),
                      .file = std::move(file),
                      .type = fmt::format("image/{}", format),
                      .width = picture.width(),
                      .height = picture.height()};
  return {std::move(picture), std::move(shown)};
}

/// Errors: Input, unless the picture has the sides of this one.
void expect_same_size(const ReportPicture& picture, const ReportPicture& as) {
  CHIARO_CHECK(picture.width == as.width && picture.height == as.height, Input,
               "[cli.report] '{}' differs in size from '{}'; got {}x{}; expected {}x{}",
               picture.name, as.name, picture.width, picture.height, as.width, as.height);
}

void check(const ReportArguments& arguments) {
  const fs::path output(arguments.output);
  CHIARO_CHECK(
      output.extension() == ".html" || output.extension() == ".htm", Usage,
      "[cli.report] the report is a web page; got '{}'; expected a name that ends in .html",
      arguments.output);
  expect_writable(output, arguments.overwrite);
}

void run(const ReportArguments& arguments) {
  begin_output(arguments.show);
  check(arguments);
  auto measures = metrics::measures(arguments.metrics, arguments.presets);
  if (arguments.clean.empty()) {
    std::erase_if(measures,
                  [](const auto& measure) { return metrics::needs_reference(measure.metric); });
  }
  const metrics::Learned learned = learned_for(measures, arguments.metric_files);
  watch_for_interruption();
  image::start_codecs();
  std::optional<restore::Inspector> inspector;
  if (!arguments.no_inspect) {
    const auto bundle = bundle::read_bundle(restore::find_bundle(arguments.engine.bundle));
    if (bundle.manifest.condition) inspector.emplace(bundle, engine_options(arguments.engine));
  }
  ReportPart part;
  ReportTable table{.heads = {"picture"}};
  std::optional<image::Image> clean;
  if (!arguments.clean.empty()) {
    Read read = read_one(arguments.clean);
    clean = std::move(read.picture);
    part.clean = std::move(read.shown);
  }
  for (const auto& measure : measures) {
    const std::string protocol = metrics::fingerprint(measure, learned);
    table.heads.push_back(measure.label);
    table.notes.push_back(
        fmt::format("{}: {}{}", measure.label, protocol,
                    metrics::lower_is_better(protocol) ? "; lower is better" : ""));
  }
  if (inspector) table.heads.emplace_back("what the controller sees");
  std::vector<std::string> files{arguments.before};
  files.insert(files.end(), arguments.afters.begin(), arguments.afters.end());
  const std::vector<std::string> names = told_apart(files);
  const auto looked_at = [&](std::size_t i) {
    Read read = read_one(files[i]);
    read.shown.name = names[i];
    if (part.clean) expect_same_size(read.shown, *part.clean);
    std::vector<std::string> row{i == 0 ? names[i] + " (as it was)" : names[i]};
    for (const auto& measure : measures) {
      const double score =
          metrics::score(measure, read.picture, clean ? *clean : read.picture, learned);
      row.push_back(shown_score(score, measure.metric));
    }
    if (inspector) row.push_back(types_text(inspector->inspect(read.picture), inspector->info()));
    table.rows.push_back(std::move(row));
    return std::move(read.shown);
  };
  part.before = looked_at(0);
  for (std::size_t i = 1; i < files.size(); ++i) {
    part.afters.push_back(looked_at(i));
    expect_same_size(part.afters.back(), part.before);
  }
  ReportPage page{.title = part.before.name,
                  .lead = fmt::format("{} × {} pixels.", part.before.width, part.before.height)};
  if (part.afters.size() > 1 || part.clean) {
    page.lead += " All frames show the same place: zoom or move one, and the others follow.";
  }
  if (table.heads.size() > 1) page.table = std::move(table);
  page.parts.push_back(std::move(part));
  write_file_atomically(arguments.output, report_html(page));
  if (arguments.show.json) {
    print_event("summary", {{"file", arguments.output}, {"pictures", arguments.afters.size() + 1}});
  } else {
    spdlog::info("wrote {}", arguments.output);
  }
}

}  // namespace

void add_report(CLI::App& root) {
  auto* command = root.add_subcommand(
      "report", "Show pictures before and after on one web page that needs nothing else");
  auto arguments = std::make_shared<ReportArguments>();
  command->footer(
      "Examples:\n  chiaro report in.jpg out.jpg -o report.html\n  chiaro report in.png soft.png "
      "full.png --clean truth.png -o report.html\n\n"
      "The page holds the very files of PNG, JPEG, WebP and GIF pictures, with all they carry,\n"
      "such as the place where a photo was taken.");
  command->add_option("before", arguments->before, "the picture as it was")->required();
  command->add_option("after", arguments->afters, "the same picture, restored: one file or more")
      ->required()
      ->type_name("AFTER...");
  command->add_option("-o,--output", arguments->output, "the page, NAME.html")->required();
  command->add_option("--clean", arguments->clean, "the undamaged picture: scores are against it");
  add_metric_options(*command, arguments->metrics, arguments->metric_files);
  command->add_option("--preset", arguments->presets, "protocol of the scores, as in chiaro score")
      ->delimiter(',')
      ->capture_default_str();
  command->add_flag("--no-inspect", arguments->no_inspect, "do not ask the bundle's controller");
  command->add_flag("--overwrite", arguments->overwrite, "replace an existing page");
  add_engine_flags(*command, arguments->engine);
  command->remove_option(command->get_option("--precision"));  // a controller runs in f32
  add_output_flags(*command, arguments->show);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace chiaro::cli
