// restore: what the Restorer adds to the graph (copies, checks, clamping) on a picture in memory,
// and what a controller costs against the plain network of the same width.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "bench/pictures.h"
#include "bench/rooms.h"
#include "bench/timing.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/engine/engine.h"
#include "chiaro/engine/processor.h"
#include "chiaro/restore/bundle_search.h"
#include "chiaro/restore/graph_inputs.h"
#include "chiaro/restore/restorer.h"

namespace chiaro::bench {
namespace {

constexpr int kRestoreSide = 1024;
constexpr double kRestoreAim = 1.05;
constexpr double kControllerAim = 1.3;

void overhead(benchmark::State& state, const Setting& setting, Report& report,
              engine::Precision precision) {
  const engine::EngineOptions options{"cpu", precision, setting.threads};
  const auto bundle = bundle::read_bundle(setting.bundle);
  restore::Restorer restorer(bundle, options);
  engine::Engine bare(bundle.member(bundle::kRestoreMember), options, bundle.origin);
  const auto picture = test_picture(kRestoreSide, kRestoreSide);
  bare.prepare(restore::window_shapes(bundle.manifest, kRestoreSide, kRestoreSide));
  std::copy(picture.pixels().begin(), picture.pixels().end(),
            bare.input(restore::kPictureInput).begin());
  if (bundle.manifest.condition) {
    const auto condition = bare.input(restore::kConditionInput);
    std::fill(condition.begin(), condition.end(), 0.0F);
  }
  image::Image source;
  restore::RestoreOptions unguarded;
  unguarded.guard = restore::GuardMode::Off;
  const auto times =
      take_turns(state, {{.run = [&] { source = restorer.restore(std::move(source), unguarded); },
                          .before = [&] { source = picture; }},
                         {.run = [&] { bare.run(); }},
                         {.run = [&] {
                           if (bundle.manifest.condition) (void)restorer.inspect(picture);
                         }}});
  std::string detail =
      fmt::format("{0}x{0}, {1} tile(s): {2}", kRestoreSide,
                  restorer.plan(kRestoreSide, kRestoreSide).tiles(), pair_text(times[0], times[1]));
  if (bundle.manifest.condition)
    detail += fmt::format("; of it the controller {:.1f} ms", 1e3 * median(times[2]));
  report.add({.name = fmt::format("restore/overhead/{}", engine::precision_name(precision)),
              .value = median_ratio(times[0], times[1]),
              .unit = "x",
              .at_most = kRestoreAim,
              .detail = std::move(detail)});
}

/// The bundle that is measured against the bundle `plain`, each as it runs by default.
void against_plain(benchmark::State& state, const Setting& setting, Report& report) {
  const engine::EngineOptions options{.threads = setting.threads};
  restore::Restorer blind(bundle::read_bundle(setting.bundle), options);
  restore::Restorer plain(bundle::read_bundle(restore::find_bundle("plain")), options);
  const auto picture = test_picture(kRestoreSide, kRestoreSide);
  image::Image source;
  restore::RestoreOptions unguarded;
  unguarded.guard = restore::GuardMode::Off;
  const auto before = [&] { source = picture; };
  const auto run = [&](restore::Restorer& restorer) {
    return [&] { source = restorer.restore(std::move(source), unguarded); };
  };
  const auto times = take_turns(
      state, {{.run = run(blind), .before = before}, {.run = run(plain), .before = before}});
  report.add({.name = "restore/against_plain",
              .value = median_ratio(times[0], times[1]),
              .unit = "x",
              .at_most = kControllerAim,
              .detail = fmt::format("{0}x{0}, {1} and {2}: {3}", kRestoreSide,
                                    engine::precision_name(blind.precision()),
                                    engine::precision_name(plain.precision()),
                                    pair_text(times[0], times[1]))});
}

}  // namespace

void add_restore(const Setting& setting, Report& report) {
  for (const auto precision : {engine::Precision::F32, engine::Precision::Bf16}) {
    if (precision == engine::Precision::Bf16 && !engine::has_bf16()) continue;
    const auto name = fmt::format("restore/overhead/{}", engine::precision_name(precision));
    benchmark::RegisterBenchmark(name.c_str(),
                                 [&setting, &report, precision](benchmark::State& state) {
                                   overhead(state, setting, report, precision);
                                 })
        ->UseManualTime()
        ->Iterations(setting.rounds)
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::RegisterBenchmark(
      "restore/against_plain",
      [&setting, &report](benchmark::State& state) { against_plain(state, setting, report); })
      ->UseManualTime()
      ->Iterations(setting.rounds)
      ->Unit(benchmark::kMillisecond);
}

}  // namespace chiaro::bench
