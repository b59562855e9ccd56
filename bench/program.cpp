// apps/cli: the real program, from the start of the process to the written picture.
#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "bench/launched.h"
#include "bench/pictures.h"
#include "bench/rooms.h"
#include "bench/timing.h"
#include "chiaro/base/rng.h"
#include "chiaro/image/codec.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::bench {
namespace {

namespace fs = std::filesystem;

struct Case {
  std::string name;
  int height;
  int width;
  std::string extension;
  double wall_aim_s;    // 0: none
  double peak_aim_mib;  // 0: none
  int divisor;          // of the rounds
};

void start_to_written(benchmark::State& state, const Setting& setting, Report& report,
                      const Case& what) {
  const test::TemporaryFolder folder;
  const fs::path input = folder / ("in." + what.extension);
  const fs::path output = folder / ("out." + what.extension);
  image::write(input, test_picture(what.height, what.width), {.quality = 92});
  launch_restore(setting, input, output);  // fills the disk cache
  Times walls;
  double peak = 0;
  for ([[maybe_unused]] auto iteration : state) {
    const Launched launched = launch_restore(setting, input, output);
    walls.push_back(launched.wall_s);
    peak = std::max(peak, launched.peak_mib);
    state.SetIterationTime(launched.wall_s);
  }
  const double wall = median(walls);
  const double megapixels = 1e-6 * what.height * what.width;
  Figure time{.name = what.name + "/wall", .value = wall, .unit = "s"};
  if (what.wall_aim_s > 0) time.at_most = what.wall_aim_s;
  time.detail =
      fmt::format("start of process to written {}x{} {}, shortest {:.3f} s", what.width,
                  what.height, what.extension, *std::min_element(walls.begin(), walls.end()));
  report.add(std::move(time));
  Figure memory{.name = what.name + "/peak", .value = peak, .unit = "MiB"};
  if (what.peak_aim_mib > 0) memory.at_most = what.peak_aim_mib;
  memory.detail = fmt::format("highest resident memory of {} runs", walls.size());
  report.add(std::move(memory));
  report.add({.name = what.name + "/speed",
              .value = megapixels / wall,
              .unit = "MP/s",
              .detail = "decoding and encoding included"});
}

/// With noise that nobody overlooks: a picture in which nothing changes is not written anew.
image::Image noisy_picture(int side) {
  constexpr double kNoise = 25.0 / 255;
  image::Image picture = test_picture(side, side);
  Rng rng(7);
  for (float& value : picture.pixels())
    value = std::clamp(value + static_cast<float>(kNoise * rng.normal()), 0.0F, 1.0F);
  return picture;
}

/// A picture larger than the memory it may take, against the same without a bound.
void strips_over_whole(benchmark::State& state, const Setting& setting, Report& report) {
  constexpr int kSide = 4000;
  constexpr double kMostMib = 500;
  constexpr double kLeastThroughput = 0.85;
  const test::TemporaryFolder folder;
  const fs::path input = folder / "in.tif";
  image::write(input, noisy_picture(kSide));
  launch_restore(setting, input, folder / "out.tif");  // fills the disk cache
  Times whole;
  Times strips;
  double peak = 0;
  for ([[maybe_unused]] auto iteration : state) {
    whole.push_back(launch_restore(setting, input, folder / "out.tif", kAsTheyAre).wall_s);
    const Launched bounded =
        launch_restore(setting, input, folder / "out.tif",
                       fmt::format("{} --max-memory {:.0f}M", kAsTheyAre, kMostMib));
    strips.push_back(bounded.wall_s);
    peak = std::max(peak, bounded.peak_mib);
    state.SetIterationTime(bounded.wall_s);
  }
  report.add({.name = "program/strips_over_whole",
              .value = median_ratio(strips, whole),
              .unit = "x",
              .at_most = 1 / kLeastThroughput,
              .detail = fmt::format("{}x{} TIFF, in strips / as a whole: {}", kSide, kSide,
                                    pair_text(strips, whole))});
  report.add({.name = "program/strips_peak",
              .value = peak,
              .unit = "MiB",
              .at_most = kMostMib,
              .detail = fmt::format("--max-memory {:.0f}M", kMostMib)});
}

}  // namespace

void add_program(const Setting& setting, Report& report) {
  const std::array<Case, 3> cases{
      Case{"program/start", 64, 64, "png", 0.25, 0, 1},
      Case{"program/png_512", 512, 512, "png", 0.3, 200e6 / (1 << 20), 1},
      Case{"program/jpeg_24mp", 4000, 6000, "jpg", 0, 1024, 5}};
  for (const auto& what : cases) {
    benchmark::RegisterBenchmark(what.name.c_str(),
                                 [&setting, &report, what](benchmark::State& state) {
                                   start_to_written(state, setting, report, what);
                                 })
        ->UseManualTime()
        ->Iterations(std::max(1, setting.rounds / what.divisor))
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::RegisterBenchmark(
      "program/strips",
      [&setting, &report](benchmark::State& state) { strips_over_whole(state, setting, report); })
      ->UseManualTime()
      ->Iterations(std::max(1, setting.rounds / 5))
      ->Unit(benchmark::kMillisecond);
}

}  // namespace chiaro::bench
