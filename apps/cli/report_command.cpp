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
#include "apps/cli/report_sets.h"
#include "apps/cli/untouched.h"
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

std::string shown_change(std::optional<double> levels) {
  if (!levels) return "–";
  return *levels == 0 ? "nothing" : fmt::format("{:.2g}", *levels);
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

  void add(const ReportSet& set) {
    ReportPart part{.title = set.title, .before = {}};
    std::optional<image::Image> clean;
    if (!set.clean.empty()) {
      Read read = read_one(set.clean);
      clean = std::move(read.picture);
      part.clean = std::move(read.shown);
    }
    std::vector<std::string> files{set.before};
    files.insert(files.end(), set.afters.begin(), set.afters.end());
    const std::vector<std::string> names = told_apart(files);
    std::optional<Before> before;
    for (std::size_t i = 0; i < files.size(); ++i) {
      Read read = read_one(files[i]);
      read.shown.name = names[i];
      if (part.clean) expect_same_size(read.shown, *part.clean);
      if (i > 0) expect_same_size(read.shown, part.before);
      std::vector<std::string> row = scores(read.picture, clean);
      row.insert(row.begin(), i == 0 ? names[i] + " (as it was)" : names[i]);
      row.push_back(shown_change(before ? before->change_levels(read.picture) : std::nullopt));
      if (i == 0) before.emplace(read.picture);
      if (inspector_)
        row.push_back(types_text(inspector_->inspect(read.picture), inspector_->info()));
      page_.table.rows.push_back(std::move(row));
      if (i == 0) {
        part.before = std::move(read.shown);
      } else {
        part.afters.push_back(std::move(read.shown));
      }
    }
    page_.parts.push_back(std::move(part));
  }

  /// The page of all sets, of which there is at least one.
  ReportPage page(const std::string& before) && {
    const ReportPart& first = page_.parts.front();
    const bool one = first.title.empty();
    page_.title = one ? first.before.name : ending(fs::absolute(before).lexically_normal(), 1);
    page_.lead = one ? fmt::format("{} × {} pixels.", first.before.width, first.before.height)
                     : fmt::format("{} pictures.", page_.parts.size());
    if (one && (first.afters.size() > 1 || first.clean))
      page_.lead += " All frames show the same place: zoom or move one, and the others follow.";
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
        "255; below half a level nobody sees them");
    if (inspector_) table.heads.emplace_back("what the controller sees");
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
};

/// Errors: Resource, where a page of these files would be too large for a browser.
void expect_shown(const std::vector<ReportSet>& sets) {
  constexpr std::uintmax_t kMost = std::uintmax_t{400} << 20;
  std::uintmax_t bytes = 0;
  const auto count = [&bytes](const std::string& file) {
    std::error_code failed;
    const std::uintmax_t size = fs::file_size(file, failed);
    if (!failed) bytes += size;
  };
  for (const ReportSet& set : sets) {
    count(set.before);
    for (const std::string& after : set.afters) count(after);
    if (!set.clean.empty()) count(set.clean);
  }
  CHIARO_CHECK(sets.size() == 1 || bytes <= kMost, Resource,
               "[cli.report] a page of {} pictures would hold {}, more than browsers show well; "
               "expected at most {}",
               sets.size(), bytes_text(static_cast<std::int64_t>(bytes)),
               bytes_text(static_cast<std::int64_t>(kMost)));
}

void run(const ReportArguments& arguments) {
  begin_output(arguments.show);
  check(arguments);
  auto measures = metrics::measures(arguments.metrics, arguments.presets);
  if (arguments.clean.empty()) {
    std::erase_if(measures,
                  [](const auto& measure) { return metrics::needs_reference(measure.metric); });
  }
  const auto sets = report_sets(arguments.before, arguments.afters, arguments.clean);
  expect_shown(sets);
  watch_for_interruption();
  image::start_codecs();
  ReportWriter writer(arguments, std::move(measures));
  std::size_t pictures = 0;
  for (const ReportSet& set : sets) {
    writer.add(set);
    pictures += 1 + set.afters.size();
  }
  write_file_atomically(arguments.output, report_html(std::move(writer).page(arguments.before)));
  if (arguments.show.json) {
    print_event("summary",
                {{"file", arguments.output}, {"pictures", pictures}, {"parts", sets.size()}});
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
