// chiaro try: what each bundle makes of some parts of a picture, ranked, on one page.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
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
#include "apps/cli/report_page.h"
#include "apps/cli/telling_crops.h"
#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/log.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/image/codec.h"
#include "chiaro/metrics/score.h"
#include "chiaro/restore/bundle_search.h"
#include "chiaro/restore/inspector.h"
#include "chiaro/restore/region.h"

namespace chiaro::cli {
namespace {

namespace fs = std::filesystem;

struct TryArguments {
  std::string photo;
  std::string output;
  std::string clean;
  std::string region;
  std::vector<std::string> bundles;
  int crops = 3;
  int crop_px = 320;
  bool overwrite = false;
  EngineFlags engine;
  OutputFlags show;
};

/// What a bundle made of the crops.
struct Trial {
  std::string bundle;
  std::vector<image::Image> results;
  double seconds = 0;
  std::optional<double> score;  ///< PSNR against the clean picture: higher is better
  std::optional<double> left;   ///< of the damage the controller saw: lower is better
};

/// The bundles to try, opened one after the other because of their memory.
std::vector<std::string> chosen_bundles(const TryArguments& arguments) {
  if (!arguments.bundles.empty()) return arguments.bundles;
  std::vector<std::string> names;
  for (const fs::path& path : restore::list_bundles()) {
    const bundle::Manifest manifest = bundle::read_manifest(path);
    if (manifest.kind == "restore" && manifest.scale == 1) names.push_back(path.string());
  }
  CHIARO_CHECK(
      !names.empty(), Input,
      "[cli.try] no bundle that restores was found; expected some where `chiaro models list` "
      "looks, or --bundles");
  return names;
}

Trial try_bundle(const std::string& name, const image::Image& photo,
                 const std::vector<restore::Region>& regions, const EngineFlags& flags) {
  restore::Restorer restorer = restore::open_restorer(name, engine_options(flags));
  CHIARO_CHECK(restorer.manifest().scale == 1, Usage,
               "[cli.try] bundle '{}' enlarges by {}; expected bundles that keep the size", name,
               restorer.manifest().scale);
  Trial trial{restorer.manifest().name, {}, 0, {}, {}};
  const double started = monotonic_s();
  const auto options = restore::for_parts_of(photo, restorer, {});
  for (const restore::Region& region : regions) {
    trial.results.push_back(restore::restore_region(restorer, photo, region, options,
                                                    [](double) { return !interrupted(); }));
  }
  trial.seconds = monotonic_s() - started;
  return trial;
}

/// How much of each damage the controller sees in each picture: probability times severity, 0 for
/// clean.
std::vector<std::vector<double>> damages(restore::Inspector& inspector,
                                         const std::vector<image::Image>& pictures) {
  std::vector<std::vector<double>> all;
  for (const image::Image& picture : pictures) {
    const restore::Inspection found = inspector.inspect(picture);
    auto& of_one = all.emplace_back(found.probabilities.size(), 0.0);
    for (std::size_t k = 0; k < of_one.size(); ++k) {
      if (inspector.info().types[k] != bundle::kCleanType)
        of_one[k] = found.probabilities[k] * found.severities[k];
    }
  }
  return all;
}

/// The part of `before` that is still there, as the mean over the pictures. What is seen anew does
/// not count: a smooth picture is easily taken for a blurred one.
double still_seen(const std::vector<std::vector<double>>& before,
                  const std::vector<std::vector<double>>& after) {
  double sum = 0;
  for (std::size_t i = 0; i < before.size(); ++i)
    for (std::size_t k = 0; k < before[i].size(); ++k) sum += std::min(before[i][k], after[i][k]);
  return sum / static_cast<double>(before.size());
}

double mean_psnr(const std::vector<image::Image>& pictures,
                 const std::vector<image::Image>& clean) {
  const std::vector<std::string> metric{"psnr"};
  const std::vector<std::string> preset{"chiaro"};
  const auto measure = metrics::measures(metric, preset).front();
  double sum = 0;
  for (std::size_t i = 0; i < pictures.size(); ++i)
    sum += metrics::score(measure, pictures[i], clean[i]);
  return sum / static_cast<double>(pictures.size());
}

std::string rated(const std::optional<double>& score, const std::optional<double>& left) {
  if (score) return fmt::format("{:.2f} dB", *score);
  if (left) return fmt::format("damage seen {:.3f}", *left);
  return "";
}

ReportPicture shown(const std::string& name, const std::vector<image::Image>& crops,
                    const std::string& found) {
  const image::Image sheet = side_by_side(crops);
  return {.name = name,
          .file = image::encode(sheet, {.format = "png", .depth = image::Depth::U8}),
          .type = "image/png",
          .width = sheet.width(),
          .height = sheet.height(),
          .found = found};
}

std::vector<image::Image> cut_all(const image::Image& picture,
                                  const std::vector<restore::Region>& regions) {
  std::vector<image::Image> crops;
  for (const restore::Region& region : regions)
    crops.push_back(image::crop(picture, region.y, region.x, region.height, region.width));
  return crops;
}

void check(TryArguments& arguments) {
  if (arguments.output.empty())
    arguments.output = fs::path(arguments.photo).stem().string() + "_try.html";
  CHIARO_CHECK(fs::path(arguments.output).extension() == ".html", Usage,
               "[cli.try] the result is a web page; got '{}'; expected a name that ends in .html",
               arguments.output);
  expect_writable(arguments.output, arguments.overwrite, arguments.photo);
}

/// The first controller among the bundles judges all of them.
std::optional<restore::Inspector> find_judge(const std::vector<std::string>& names,
                                             const EngineFlags& flags) {
  for (const std::string& name : names) {
    const auto bundle = bundle::read_bundle(restore::find_bundle(name));
    if (bundle.manifest.condition)
      return std::optional<restore::Inspector>(std::in_place, bundle, engine_options(flags));
  }
  return std::nullopt;
}

void say(const TryArguments& arguments, const std::vector<Trial>& trials) {
  for (std::size_t i = 0; i < trials.size(); ++i) {
    const Trial& trial = trials[i];
    if (arguments.show.json) {
      Json event = {{"rank", i + 1}, {"bundle", trial.bundle}, {"seconds", trial.seconds}};
      if (trial.score) event["psnr"] = *trial.score;
      if (trial.left) event["damage_seen"] = *trial.left;
      print_event("tried", event);
    } else {
      fmt::print("{}. {:<16} {}  {:.2f} s\n", i + 1, trial.bundle, rated(trial.score, trial.left),
                 trial.seconds);
    }
  }
  if (arguments.show.json) {
    print_event("summary", {{"file", arguments.output}, {"bundles", trials.size()}});
  } else {
    spdlog::info("wrote {}", arguments.output);
  }
}

void run(TryArguments& arguments) {
  begin_output(arguments.show);
  check(arguments);
  watch_for_interruption();
  image::start_codecs();
  const image::Image photo = image::read(arguments.photo);
  const auto regions = arguments.region.empty()
                           ? telling_crops(photo, arguments.crop_px, arguments.crops)
                           : std::vector{restore::parse_region(arguments.region)};
  const auto before = cut_all(photo, regions);
  std::vector<image::Image> clean;
  if (!arguments.clean.empty()) {
    const image::Image whole = image::read(arguments.clean);
    CHIARO_CHECK(whole.width() == photo.width() && whole.height() == photo.height(), Input,
                 "[cli.try] '{}' differs in size from '{}'; got {}x{}; expected {}x{}",
                 arguments.clean, arguments.photo, whole.width(), whole.height(), photo.width(),
                 photo.height());
    clean = cut_all(whole, regions);
  }

  const auto names = chosen_bundles(arguments);
  auto judge = clean.empty() ? find_judge(names, arguments.engine) : std::nullopt;
  const auto seen_before = judge ? damages(*judge, before) : std::vector<std::vector<double>>{};
  std::vector<Trial> trials;
  for (const std::string& name : names) {
    stop_if_interrupted();
    Trial trial = try_bundle(name, photo, regions, arguments.engine);
    if (!clean.empty()) trial.score = mean_psnr(trial.results, clean);
    if (judge) trial.left = still_seen(seen_before, damages(*judge, trial.results));
    trials.push_back(std::move(trial));
  }
  std::stable_sort(trials.begin(), trials.end(), [](const Trial& a, const Trial& b) {
    return a.score ? *a.score > *b.score : a.left && *a.left < *b.left;
  });

  ReportPage page;
  std::optional<double> score;
  std::optional<double> seen;
  if (!clean.empty()) score = mean_psnr(before, clean);
  if (judge) seen = still_seen(seen_before, seen_before);
  page.before = shown(fs::path(arguments.photo).filename().string(), before, rated(score, seen));
  for (std::size_t i = 0; i < trials.size(); ++i)
    page.afters.push_back(shown(fmt::format("{}. {}", i + 1, trials[i].bundle), trials[i].results,
                                rated(trials[i].score, trials[i].left)));
  if (!clean.empty()) page.clean = shown("clean", clean, "");
  write_file_atomically(arguments.output, report_html(page));
  say(arguments, trials);
}

}  // namespace

void add_try(CLI::App& root) {
  auto* command =
      root.add_subcommand("try", "Show what each bundle makes of parts of a picture, ranked");
  auto arguments = std::make_shared<TryArguments>();
  command->footer(
      "Examples:\n  chiaro try old.jpg\n  chiaro try old.jpg -o page.html --region "
      "400,300,256,256\n\n"
      "The parts are chosen: the one with most detail, the flattest, the darkest. With --clean\n"
      "the rank is by PSNR; else by how much of the damage that a controller saw it still sees,\n"
      "which is an opinion: look at the page.");
  command->add_option("photo", arguments->photo, "the picture")->required();
  command->add_option("-o,--output", arguments->output, "the page; default NAME_try.html");
  command->add_option("--bundles", arguments->bundles, "names or files; default: all that restore")
      ->delimiter(',');
  command->add_option("--clean", arguments->clean, "the undamaged picture, to rank by PSNR");
  command->add_option("--crops", arguments->crops, "how many parts")
      ->check(CLI::Range(1, 8))
      ->capture_default_str();
  command->add_option("--crop-px", arguments->crop_px, "side of a part in pixels")
      ->check(CLI::Range(16, 4096))
      ->capture_default_str();
  command->add_option("--region", arguments->region, "x,y,width,height: this part alone");
  command->add_flag("--overwrite", arguments->overwrite, "replace an existing page");
  add_engine_flags(*command, arguments->engine);
  command->remove_option(command->get_option("--bundle"));
  add_output_flags(*command, arguments->show);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace chiaro::cli
