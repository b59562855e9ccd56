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

#include "apps/cli/change.h"
#include "apps/cli/commands.h"
#include "apps/cli/events.h"
#include "apps/cli/flags.h"
#include "apps/cli/inspection_text.h"
#include "apps/cli/interruption.h"
#include "apps/cli/measuring.h"
#include "apps/cli/report_page.h"
#include "apps/cli/report_sets.h"
#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/log.h"
#include "chiaro/base/text.h"
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

std::string folder_name(const std::string& folder) {
  const fs::path path = fs::absolute(folder).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
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

/// Fills a page, one set after the other.
class ReportWriter {
 public:
  ReportWriter(const ReportArguments& arguments, std::vector<metrics::Measure> measures)
      : measures_(std::move(measures)), learned_(learned_for(measures_, arguments.metric_files)) {
    if (!arguments.no_inspect) {
      const auto bundle = bundle::read_bundle(restore::find_bundle(arguments.engine.bundle));
      if (bundle.manifest.condition) inspector_.emplace(bundle, engine_options(arguments.engine));
    }
    begin_table();
  }

  /// Of what fails nothing is left. Errors: Input; Resource (the page gets too large).
  void add(const ReportSet& set) {
    ReportPart part{.title = set.title, .before = {}};
    std::vector<std::vector<std::string>> rows;
    std::optional<image::Image> clean;
    if (!set.clean.empty()) {
      Read read = read_one(set.clean);
      clean = std::move(read.picture);
      part.clean = std::move(read.shown);
      part.clean->name += " (undamaged)";
    }
    std::vector<std::string> files{set.before};
    files.insert(files.end(), set.afters.begin(), set.afters.end());
    const std::vector<std::string> names = told_apart(files);
    std::optional<image::Image> before;
    for (std::size_t i = 0; i < files.size(); ++i) {
      Read read = read_one(files[i]);
      read.shown.name = names[i];
      if (part.clean) expect_same_size(read.shown, *part.clean);
      if (before) expect_same_size(read.shown, part.before);
      rows.push_back(
          row_of(set, before ? names[i] : names[i] + " (as it was)", read.picture, clean, before));
      if (before) {
        part.afters.push_back(std::move(read.shown));
      } else {
        before = std::move(read.picture);
        part.before = std::move(read.shown);
      }
    }
    count_bytes(part);
    page_.table.rows.insert(page_.table.rows.end(), rows.begin(), rows.end());
    pictures += files.size();
    page_.parts.push_back(std::move(part));
  }

  bool empty() const { return page_.parts.empty(); }
  std::size_t parts() const { return page_.parts.size(); }
  std::size_t pictures = 0;

  /// The page of all sets, of which there is at least one.
  ReportPage page(const std::string& before, const std::vector<std::string>& left_out) && {
    const ReportPart& first = page_.parts.front();
    const bool one = first.title.empty();
    page_.title = one ? first.before.name : folder_name(before);
    page_.lead =
        one ? fmt::format("{} × {} pixels.", first.before.width, first.before.height)
            : fmt::format("{} picture{}.", page_.parts.size(), page_.parts.size() == 1 ? "" : "s");
    if (one && (first.afters.size() > 1 || first.clean))
      page_.lead += " All frames show the same place: zoom or move one, and the others follow.";
    if (!left_out.empty())
      page_.table.notes.push_back(
          fmt::format("not on this page, without a result or unreadable: {}", join(left_out)));
    return std::move(page_);
  }

 private:
  void begin_table() {
    ReportTable& table = page_.table;
    table.heads = {"picture"};
    for (const auto& measure : measures_) {
      const std::string protocol = metrics::fingerprint(measure, learned_);
      table.heads.push_back(measure.label);
      table.notes.push_back(
          fmt::format("{}: {}{}", measure.label, protocol,
                      metrics::lower_is_better(protocol) ? "; lower is better" : ""));
    }
    table.heads.emplace_back("changed by");
    table.notes.emplace_back(
        "changed by: root mean square of the differences to the picture as it was, in levels of "
        "255");
    if (inspector_) table.heads.emplace_back("what the controller sees");
  }

  std::vector<std::string> row_of(const ReportSet& set, const std::string& name,
                                  const image::Image& picture,
                                  const std::optional<image::Image>& clean,
                                  const std::optional<image::Image>& before) {
    std::vector<std::string> row = scores(picture, clean);
    row.insert(row.begin(), set.title.empty() ? name : fmt::format("{}: {}", set.title, name));
    const auto change = before ? change_levels(*before, picture) : std::nullopt;
    row.push_back(change ? change_text(*change) : "–");
    if (inspector_) row.push_back(types_text(inspector_->inspect(picture), inspector_->info()));
    return row;
  }

  void count_bytes(const ReportPart& part) {
    constexpr std::size_t kMost = std::size_t{400} << 20;
    bytes_ += part.before.file.size() + (part.clean ? part.clean->file.size() : 0);
    for (const ReportPicture& after : part.afters) bytes_ += after.file.size();
    CHIARO_CHECK(
        part.title.empty() || bytes_ <= kMost, Resource,
        "[cli.report] the pictures take more than {} with '{}', which browsers do not show "
        "well; expected fewer of them",
        bytes_text(static_cast<std::int64_t>(kMost)), part.title);
  }

  std::vector<std::string> scores(const image::Image& picture,
                                  const std::optional<image::Image>& clean) const {
    std::vector<std::string> row;
    for (const auto& measure : measures_) {
      if (!clean && metrics::needs_reference(measure.metric)) {
        row.emplace_back("–");
      } else {
        row.push_back(shown_score(
            metrics::score(measure, picture, clean ? *clean : picture, learned_), measure.metric));
      }
    }
    return row;
  }

  std::vector<metrics::Measure> measures_;
  metrics::Learned learned_;
  std::optional<restore::Inspector> inspector_;
  ReportPage page_;
  std::size_t bytes_ = 0;
};

void run(const ReportArguments& arguments) {
  begin_output(arguments.show);
  check(arguments);
  auto measures = metrics::measures(arguments.metrics, arguments.presets);
  if (arguments.clean.empty()) {
    std::erase_if(measures,
                  [](const auto& measure) { return metrics::needs_reference(measure.metric); });
  }
  const auto [sets, without] = report_sets(arguments.before, arguments.afters, arguments.clean);
  watch_for_interruption();
  image::start_codecs();
  ReportWriter writer(arguments, std::move(measures));
  std::vector<std::string> left_out = without;
  std::size_t failed = 0;
  for (const ReportSet& set : sets) {
    try {
      writer.add(set);
    } catch (const Error& error) {
      if (sets.size() == 1 || error.code() != ErrorCode::Input) throw;
      ++failed;
      left_out.push_back(set.title);
      spdlog::error("left out: {}: {}", set.title, error.what());
    }
  }
  CHIARO_CHECK(!writer.empty(), Input, "[cli.report] none of the {} pictures can be shown",
               sets.size());
  const std::size_t pictures = writer.pictures;
  const std::size_t parts = writer.parts();
  write_file_atomically(arguments.output,
                        report_html(std::move(writer).page(arguments.before, left_out)));
  if (arguments.show.json) {
    print_event("summary", {{"file", arguments.output},
                            {"pictures", pictures},
                            {"parts", parts},
                            {"without_result", without.size()},
                            {"failed", failed}});
  } else {
    spdlog::info("wrote {}", arguments.output);
  }
  CHIARO_CHECK(failed == 0, SomeFailed, "[cli.report] {} of {} pictures are not on the page",
               failed, sets.size());
}

}  // namespace

void add_report(CLI::App& root) {
  auto* command = root.add_subcommand(
      "report", "Show pictures before and after on one web page that needs nothing else");
  auto arguments = std::make_shared<ReportArguments>();
  command->footer(
      "Examples:\n  chiaro report in.jpg out.jpg -o report.html\n  chiaro report in.png soft.png "
      "full.png --clean truth.png -o report.html\n  chiaro report photos restored -o "
      "report.html\n\n"
      "Of folders, pictures of one place and name go together, whatever their extensions.\n"
      "The page holds the very files of PNG, JPEG, WebP and GIF pictures, with all they carry,\n"
      "such as the place where a photo was taken.");
  command->add_option("before", arguments->before, "the picture as it was, or a folder of them")
      ->required();
  command->add_option("after", arguments->afters, "the same, restored: one file or folder, or more")
      ->required()
      ->type_name("AFTER...");
  command->add_option("-o,--output", arguments->output, "the page, NAME.html")->required();
  command->add_option("--clean", arguments->clean,
                      "the undamaged picture, or folder of them: scores are against it");
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
