// degrade: each damage of middle severity on a training crop, one thread.
#include <fmt/format.h>

#include "bench/pictures.h"
#include "bench/rooms.h"
#include "bench/timing.h"
#include "chiaro/degrade/degrade.h"

namespace chiaro::bench {
namespace {

constexpr int kDegradeCrop = 128;
constexpr double kSeverity = 0.5;

}  // namespace

void add_degrade(const Setting& /*setting*/, Report& report) {
  for (const auto& entry : degrade::names()) {
    const std::string name = "degrade/" + entry;
    benchmark::RegisterBenchmark(
        name.c_str(),
        [&report, name, entry](benchmark::State& state) {
          const auto picture = test_picture(kDegradeCrop, kDegradeCrop);
          const degrade::Chain chain{degrade::at_severity(entry, kSeverity)};
          Rng rng(1);
          Times times;
          for ([[maybe_unused]] auto iteration : state) {
            times.push_back(
                seconds_of([&] { benchmark::DoNotOptimize(degrade::apply(picture, chain, rng)); }));
          }
          report.add({.name = name,
                      .value = 1e3 * median(times),
                      .unit = "ms",
                      .detail = fmt::format("per {0}x{0} crop, one thread", kDegradeCrop)});
        })
        ->Unit(benchmark::kMillisecond)
        ->MinTime(0.2);
  }
}

}  // namespace chiaro::bench
