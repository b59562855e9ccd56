// chiaro try: what each bundle makes of some parts of a picture, ranked, on one page.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apps/cli/change.h"
#include "apps/cli/commands.h"
#include "apps/cli/events.h"
#include "apps/cli/flags.h"
#include "apps/cli/interruption.h"
#include "apps/cli/report_page.h"
#include "apps/cli/telling_crops.h"
#include "apps/cli/try_page.h"
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

/// A bundle's controller.
struct Judge {
  std::string bundle;
  std::unique_ptr<restore::Inspector> inspector;  ///< null: no bundle has one
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

Trial try_bundle(const std::string& name, image::Image& photo,
                 const std::vector<TellingCrop>& parts, const EngineFlags& flags) {
  restore::Restorer restorer = restore::open_restorer(name, engine_options(flags));
  CHIARO_CHECK(restorer.manifest().scale == 1, Usage,
               "[cli.try] bundle '{}' enlarges by {}; expected bundles that keep the size", name,
               restorer.manifest().scale);
  Trial trial{.bundle = restorer.manifest().name};
  const double started = monotonic_s();
  const auto options = restore::for_parts_of(photo, restorer, {});
  for (const TellingCrop& part : parts) {
    trial.results.push_back(restore::restore_region(restorer, photo, part.region, options,
                                                    [](double) { return !interrupted(); }));
    photo = restore::already_noted(std::move(photo));
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

/// Of each picture the damage of `before` that is still there. What is seen anew does not count: a
/// smooth picture is easily taken for a blurred one.
std::vector<double> still_seen(const std::vector<std::vector<double>>& before,
                               const std::vector<std::vector<double>>& after) {
  std::vector<double> sums(before.size(), 0.0);
  for (std::size_t i = 0; i < before.size(); ++i)
    for (std::size_t k = 0; k < before[i].size(); ++k)
      sums[i] += std::min(before[i][k], after[i][k]);
  return sums;
}

std::vector<double> psnrs(const std::vector<image::Image>& pictures,
                          const std::vector<image::Image>& clean) {
  std::vector<double> scores;
  for (std::size_t i = 0; i < pictures.size(); ++i)
    scores.push_back(metrics::score(psnr_of_parts(), pictures[i], clean[i]));
  return scores;
}

std::vector<image::Image> cut_all(const image::Image& picture,
                                  const std::vector<TellingCrop>& parts) {
  std::vector<image::Image> crops;
  for (const auto& [region, why] : parts)
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
  arguments.output = fs::absolute(arguments.output).lexically_normal().string();
}

/// The first controller among the bundles judges all of them.
Judge find_judge(const std::vector<std::string>& names, const EngineFlags& flags) {
  for (const std::string& name : names) {
    const auto bundle = bundle::read_bundle(restore::find_bundle(name));
    if (bundle.manifest.condition)
      return {bundle.manifest.name,
              std::make_unique<restore::Inspector>(bundle, engine_options(flags))};
  }
  return {};
}

TellingCrops chosen_parts(const image::Image& photo, const TryArguments& arguments) {
  if (!arguments.region.empty())
    return {{{restore::parse_region(arguments.region), "as asked"}}, ""};
  TellingCrops parts = telling_crops(photo, arguments.crop_px, arguments.crops);
  if (!parts.shortage.empty())
    spdlog::warn("parts found: {} of {}; {}", parts.crops.size(), arguments.crops, parts.shortage);
  return parts;
}

Json parts_json(const std::vector<TellingCrop>& parts) {
  Json list = Json::array();
  for (const auto& [region, why] : parts) {
    list.push_back({{"x", region.x},
                    {"y", region.y},
                    {"width", region.width},
                    {"height", region.height},
                    {"why", why}});
  }
  return list;
}

void say(const TryArguments& arguments, const Comparison& all, const std::string& shortage) {
  const char* key = all.by == By::Psnr ? "psnr" : "damage_seen";
  for (std::size_t i = 0; i < all.trials.size(); ++i) {
    const Trial& trial = all.trials[i];
    if (arguments.show.json) {
      Json event = {{"rank", i + 1},
                    {"bundle", trial.bundle},
                    {"seconds", trial.seconds},
                    {"change_levels", trial.changes}};
      if (all.by != By::Nothing) {
        event[key] = overall(trial.ratings, all.by);
        event["of_parts"] = trial.ratings;
      }
      print_event("tried", event);
    } else {
      const bool hardly = std::ranges::max(trial.changes) < kHardlyLevels;
      fmt::print("{}. {:<16} {}  {:.2f} s{}\n", i + 1, trial.bundle,
                 all.by == By::Nothing ? "" : rating_text(overall(trial.ratings, all.by), all.by),
                 trial.seconds, hardly ? "  hardly changed" : "");
    }
  }
  if (arguments.show.json) {
    print_event("summary", {{"file", arguments.output},
                            {"bundles", all.trials.size()},
                            {"parts", parts_json(all.parts)},
                            {"shortage", shortage}});
    return;
  }
  for (std::size_t p = 0; p < all.parts.size(); ++p) spdlog::info("{}", part_text(all.parts[p], p));
  fmt::print("page: {}\n", arguments.output);
}

std::vector<image::Image> cut_clean(const TryArguments& arguments, const image::Image& photo,
                                    const std::vector<TellingCrop>& parts) {
  if (arguments.clean.empty()) return {};
  const image::Image whole = image::read(arguments.clean);
  CHIARO_CHECK(whole.width() == photo.width() && whole.height() == photo.height(), Input,
               "[cli.try] '{}' differs in size from '{}'; got {}x{}; expected {}x{}",
               arguments.clean, arguments.photo, whole.width(), whole.height(), photo.width(),
               photo.height());
  return cut_all(whole, parts);
}

void run(TryArguments& arguments) {
  begin_output(arguments.show);
  check(arguments);
  watch_for_interruption();
  image::start_codecs();
  image::Image photo = image::read(arguments.photo);
  const TellingCrops chosen = chosen_parts(photo, arguments);
  Comparison all{.photo = fs::path(arguments.photo).filename().string(), .parts = chosen.crops};
  all.before = cut_all(photo, all.parts);
  all.clean = cut_clean(arguments, photo, all.parts);

  const auto names = chosen_bundles(arguments);
  const Judge judge = all.clean.empty() ? find_judge(names, arguments.engine) : Judge{};
  all.by = !all.clean.empty() ? By::Psnr : judge.inspector ? By::DamageSeen : By::Nothing;
  all.judge = judge.bundle;
  std::vector<std::vector<double>> seen_before;
  if (all.by == By::DamageSeen) seen_before = damages(*judge.inspector, all.before);
  const auto rated = [&](const std::vector<image::Image>& pictures) -> std::vector<double> {
    if (all.by == By::Nothing) return {};
    return all.by == By::Psnr ? psnrs(pictures, all.clean)
                              : still_seen(seen_before, damages(*judge.inspector, pictures));
  };
  all.before_ratings = rated(all.before);
  for (const std::string& name : names) {
    stop_if_interrupted();
    Trial trial = try_bundle(name, photo, all.parts, arguments.engine);
    trial.ratings = rated(trial.results);
    for (std::size_t p = 0; p < all.before.size(); ++p)
      trial.changes.push_back(change_levels(all.before[p], trial.results[p]).value_or(0));
    all.trials.push_back(std::move(trial));
  }
  if (all.by != By::Nothing) {
    std::ranges::stable_sort(all.trials, [&](const Trial& a, const Trial& b) {
      const double left = overall(a.ratings, all.by);
      const double right = overall(b.ratings, all.by);
      return all.by == By::Psnr ? left > right : left < right;
    });
  }
  write_file_atomically(arguments.output, report_html(try_page(all)));
  say(arguments, all, chosen.shortage);
}

}  // namespace

void add_try(CLI::App& root) {
  auto* command =
      root.add_subcommand("try", "Show what each bundle makes of parts of a picture, ranked");
  auto arguments = std::make_shared<TryArguments>();
  command->footer(
      "Examples:\n  chiaro try old.jpg\n  chiaro try old.jpg -o page.html --region "
      "400,300,256,256\n\n"
      "The parts are chosen: the one with most detail, the flattest, the darkest; fewer where the\n"
      "picture has no room or the rest is flat, which is said. Each is shown by itself. Bundles\n"
      "are ranked by the mean over the parts: with --clean of the squared error, said as PSNR;\n"
      "else of the damage seen, which\n"
      "is how probable a damage is times how severe, summed over the kinds that a controller saw\n"
      "in the photo, of which counts what it still sees: 0 is none, 1 the most there can be. That\n"
      "is an opinion: look at the page, whose place is printed.");
  command->add_option("photo", arguments->photo, "the picture")->required();
  command->add_option("-o,--output", arguments->output,
                      "the page; default NAME_try.html in this folder");
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
