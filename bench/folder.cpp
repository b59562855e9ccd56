// Folders: the whole of `chiaro restore DIR -o OUT` against what the engine alone computes; one
// engine against two; memory over a thousand pictures.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/launched.h"
#include "bench/pictures.h"
#include "bench/rooms.h"
#include "bench/started.h"
#include "bench/timing.h"
#include "chiaro/base/error.h"
#include "chiaro/base/text.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/engine/engine.h"
#include "chiaro/image/codec.h"
#include "chiaro/restore/graph_inputs.h"
#include "chiaro/restore/inspector.h"
#include "chiaro/restore/restorer.h"
#include "chiaro/restore/views.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::bench {
namespace {

namespace fs = std::filesystem;

constexpr double kAimOverEngine = 1.1;
constexpr double kFolderFlatMib = 10;

/// How the graphs of a bundle are run by themselves.
enum class Alone {
  Prepared,   ///< each shape is prepared and run once before it is timed
  AsTheyCome  ///< one preparation for all shapes, as a folder has it, and what a new shape takes
};

/// The graphs of a bundle and nothing else: no files, no tiles to weave.
class BareCompute {
 public:
  BareCompute(const fs::path& bundle, int threads, Alone how)
      : how_(how),
        bundle_(bundle::read_bundle(bundle)),
        options_{.device = "cpu", .threads = threads, .many_shapes = how == Alone::AsTheyCome},
        planner_(bundle_, options_),
        engine_(bundle_.member(bundle::kRestoreMember), options_with(planner_.precision()),
                bundle_.origin) {
    if (bundle_.manifest.condition)
      inspector_ = std::make_unique<restore::Inspector>(bundle_, options_);
  }

  /// Seconds of all pictures of a folder together.
  double seconds(const fs::path& folder) {
    double sum = 0;
    for (const fs::path& file : image::list_pictures(folder)) {
      const image::Image picture = image::read(file);
      if (inspector_) sum += inspection_seconds(picture);
      sum += tile_seconds(picture);
    }
    return sum;
  }

 private:
  engine::EngineOptions options_with(engine::Precision precision) const {
    engine::EngineOptions options = options_;
    options.precision = precision;
    return options;
  }

  double inspection_seconds(const image::Image& picture) {
    const auto& info = inspector_->info();
    const auto views = restore::native_views(picture, info.view_px, info.max_views);
    const auto whole = restore::whole_view(picture, info.whole_px, info.whole_alignment_px);
    if (how_ == Alone::Prepared) inspector_->inspect(views, whole);
    return seconds_of([&] { inspector_->inspect(views, whole); });
  }

  double tile_seconds(const image::Image& picture) {
    const auto plan = planner_.plan(picture.height(), picture.width());
    const double preparing = seconds_of([&] {
      engine_.prepare(
          restore::window_shapes(bundle_.manifest, plan.window_height_px, plan.window_width_px));
    });
    // The window holds more than the picture, or less: its values repeat.
    const auto window = engine_.input(restore::kPictureInput);
    for (std::size_t i = 0; i < window.size(); ++i)
      window[i] = picture.pixels()[i % picture.pixels().size()];
    if (bundle_.manifest.condition) {
      const auto condition = engine_.input(restore::kConditionInput);
      std::fill(condition.begin(), condition.end(), 0.0F);
    }
    if (how_ == Alone::Prepared) engine_.run();
    const double running = seconds_of([&] {
      for (int tile = 0; tile < plan.tiles(); ++tile) engine_.run();
    });
    return running + (how_ == Alone::Prepared ? 0 : preparing);
  }

  Alone how_;
  bundle::Bundle bundle_;
  engine::EngineOptions options_;
  restore::Restorer planner_;
  engine::Engine engine_;
  std::unique_ptr<restore::Inspector> inspector_;
};

void over_compute(benchmark::State& state, const Setting& setting, Report& report,
                  const std::string& name) {
  const test::TemporaryFolder folder;
  const fs::path in = folder / "in";
  write_mixed_jpegs(in, setting.pictures);
  const auto wall = [&](const char* engines) {
    return launch_restore(setting, in, folder / "out", fmt::format("{} {}", kAsTheyAre, engines))
        .wall_s;
  };
  BareCompute prepared(setting.bundle, setting.threads, Alone::Prepared);
  BareCompute coming(setting.bundle, setting.threads, Alone::AsTheyCome);
  coming.seconds(in);  // the start is not the engine's
  for (const char* engines : {"", "--engines 1", "--engines 2"}) wall(engines);  // prepares, once
  Times usual;
  Times one;
  Times two;
  Times compute;
  Times engine;
  for ([[maybe_unused]] auto iteration : state) {
    compute.push_back(prepared.seconds(in));
    engine.push_back(coming.seconds(in));
    one.push_back(wall("--engines 1"));
    usual.push_back(wall(""));
    two.push_back(wall("--engines 2"));
    state.SetIterationTime(usual.back());
  }
  report.add({.name = name + "/over_compute",
              .value = median_ratio(usual, compute),
              .unit = "x",
              .detail = fmt::format("{} JPEGs, start to end / the graphs alone: {}",
                                    setting.pictures, pair_text(usual, compute))});
  report.add({.name = name + "/over_engine",
              .value = median_ratio(usual, engine),
              .unit = "x",
              .at_most = kAimOverEngine,
              .detail = pair_text(usual, engine)});
  report.add({.name = name + "/two_engines_over_one",
              .value = median_ratio(two, one),
              .unit = "x",
              .detail = pair_text(two, one)});
}

/// Of every `share` values; those that are 0, because nothing was there to look at, do not count.
/// Errors: CheckFailed (nothing was there in a whole share).
std::vector<double> means_of_each(std::size_t share, const std::vector<double>& values) {
  std::vector<double> means;
  for (std::size_t from = 0; from < values.size(); from += share) {
    double sum = 0;
    double count = 0;
    for (std::size_t i = from; i < std::min(from + share, values.size()); ++i) {
      sum += values[i];
      count += values[i] > 0 ? 1 : 0;
    }
    CHIARO_CHECK(count > 0, CheckFailed, "[bench.folder] no reading among {} pictures", share);
    means.push_back(sum / count);
  }
  return means;
}

/// Resident memory on the mean of the last 200 of a thousand pictures, less that of the second 200.
/// Single readings differ by some MiB, as large results come and go.
void flat(benchmark::State& state, const Setting& setting, Report& report) {
  constexpr std::size_t kPictures = 1000;
  constexpr std::size_t kShare = 200;
  const test::TemporaryFolder folder;
  write_small_jpegs(folder / "in", kPictures);
  std::vector<double> resident_mib;
  for ([[maybe_unused]] auto iteration : state) {
    Started program({setting.program, "restore", folder / "in", "-o", folder / "out", "--overwrite",
                     "--json", "--quiet", "--guard", "off", "--bundle", setting.bundle, "--threads",
                     std::to_string(setting.threads)});
    state.SetIterationTime(seconds_of([&] {
      for (std::string line; program.read_line(line);) {
        if (nlohmann::json::parse(line)["event"] == "restored")
          resident_mib.push_back(program.resident_mib());
      }
      program.expect_success();
    }));
  }
  CHIARO_CHECK(resident_mib.size() == kPictures, CheckFailed,
               "[bench.folder] {} of {} pictures were restored", resident_mib.size(), kPictures);
  const std::vector<double> means = means_of_each(kShare, resident_mib);
  std::vector<std::string> texts;
  for (const double mean : means) texts.push_back(fmt::format("{:.1f}", mean));
  report.add({.name = "folder/growth",
              .value = means.back() - means.at(1),
              .unit = "MiB",
              .at_most = kFolderFlatMib,
              .detail = fmt::format("MiB on the mean of each {} of {} pictures: {}", kShare,
                                    kPictures, join(texts))});
}

}  // namespace

void add_folder(const Setting& setting, Report& report) {
  std::vector<fs::path> bundles{setting.bundle};
  const fs::path plain = setting.bundle.parent_path() / "plain.chiaro";
  if (plain != setting.bundle && fs::exists(plain)) bundles.push_back(plain);
  for (const fs::path& bundle : bundles) {
    Setting with = setting;
    with.bundle = bundle;
    const std::string name = "folder/" + bundle.stem().string();
    benchmark::RegisterBenchmark(
        name.c_str(),
        [with, name, &report](benchmark::State& state) { over_compute(state, with, report, name); })
        ->UseManualTime()
        ->Iterations(std::max(1, setting.rounds / 5))
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::RegisterBenchmark(
      "folder/growth",
      [&setting, &report](benchmark::State& state) { flat(state, setting, report); })
      ->UseManualTime()
      ->Iterations(1)
      ->Unit(benchmark::kMillisecond);
}

}  // namespace chiaro::bench
