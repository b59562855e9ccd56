// restore: what the Restorer adds to the graphs (copies, checks, clamping) on a picture in memory,
// and what a controller costs against the plain network of the same width.
#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

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
#include "chiaro/restore/views.h"

namespace chiaro::bench {
namespace {

constexpr int kRestoreSide = 1024;
constexpr double kRestoreAim = 1.05;
constexpr double kControllerAim = 1.3;

/// The graphs of a bundle and nothing else, prepared for one picture: the controller's, if there is
/// one, and that of the restorer.
class BareGraphs {
 public:
  BareGraphs(const bundle::Bundle& bundle, const engine::EngineOptions& options,
             const image::Image& picture)
      : restorer_(bundle.member(bundle::kRestoreMember), options, bundle.origin) {
    restorer_.prepare(restore::window_shapes(bundle.manifest, picture.height(), picture.width()));
    std::ranges::copy(picture.pixels(), restorer_.input(restore::kPictureInput).begin());
    if (!bundle.manifest.condition) return;
    std::ranges::fill(restorer_.input(restore::kConditionInput), 0.0F);
    const bundle::ConditionInfo& info = *bundle.manifest.condition;
    engine::EngineOptions as_inspected = engine::in_f32(options);
    as_inspected.soon = true;
    controller_.emplace(bundle.member(bundle::kConditionMember), as_inspected, bundle.origin);
    const auto views = restore::native_views(picture, info.view_px, info.max_views);
    const auto whole = restore::whole_view(picture, info.whole_px, info.whole_alignment_px);
    const std::vector<engine::NamedShape> shapes{
        {"views", {std::ssize(views), 3, info.view_px, info.view_px}},
        {"whole", {1, 3, whole.height(), whole.width()}}};
    controller_->prepare(shapes);
    auto place = controller_->input("views").begin();
    for (const image::Image& view : views) place = std::ranges::copy(view.pixels(), place).out;
    std::ranges::copy(whole.pixels(), controller_->input("whole").begin());
  }

  int looks = 1;

  bool has_controller() const { return controller_.has_value(); }
  /// As often as the restorer looks at the picture.
  void run_controller() {
    for (int look = 0; controller_ && look < looks; ++look) controller_->run();
  }
  void run() {
    run_controller();
    restorer_.run();
  }

 private:
  engine::Engine restorer_;
  std::optional<engine::Engine> controller_;
};

void overhead(benchmark::State& state, const Setting& setting, Report& report,
              engine::Precision precision) {
  const engine::EngineOptions options{"cpu", precision, setting.threads};
  const auto bundle = bundle::read_bundle(setting.bundle);
  const auto picture = test_picture(kRestoreSide, kRestoreSide);
  restore::Restorer restorer(bundle, options);
  BareGraphs bare(bundle, options, picture);
  image::Image source;
  restore::RestoreOptions unguarded;
  unguarded.guard = restore::GuardMode::Off;
  if (bare.has_controller()) bare.looks = restorer.inspect(picture).looks;
  const auto times =
      take_turns(state, {{.run = [&] { source = restorer.restore(std::move(source), unguarded); },
                          .before = [&] { source = picture; }},
                         {.run = [&] { bare.run(); }},
                         {.run = [&] { bare.run_controller(); }}});
  std::string detail =
      fmt::format("{0}x{0}, {1} tile(s): {2}", kRestoreSide,
                  restorer.plan(kRestoreSide, kRestoreSide).tiles(), pair_text(times[0], times[1]));
  if (bare.has_controller())
    detail += fmt::format("; of both {} look(s) of the controller {:.1f} ms", bare.looks,
                          1e3 * median(times[2]));
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
