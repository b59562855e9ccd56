// metrics: each on a pair of 1024x1024 pictures, per million pixels.
#include <fmt/format.h>

#include "bench/pictures.h"
#include "bench/rooms.h"
#include "bench/timing.h"
#include "chiaro/metrics/score.h"

namespace chiaro::bench {
namespace {

constexpr int kMetricsSide = 1024;

}  // namespace

void add_metrics(const Setting& /*setting*/, Report& report) {
  for (const auto metric :
       {metrics::Metric::Psnr, metrics::Metric::Ssim, metrics::Metric::MsSsim}) {
    const std::string name = "metrics/" + metrics::to_text(metric);
    benchmark::RegisterBenchmark(
        name.c_str(),
        [&report, name, metric](benchmark::State& state) {
          const auto target = test_picture(kMetricsSide, kMetricsSide);
          auto restored = target;
          for (float& value : restored.pixels()) value *= 0.98F;
          const metrics::Measure measure{metric, {}, {}};
          Times times;
          for ([[maybe_unused]] auto iteration : state) {
            times.push_back(seconds_of(
                [&] { benchmark::DoNotOptimize(metrics::score(measure, restored, target)); }));
          }
          report.add({.name = name,
                      .value = 1e3 * median(times) * 1e6 / (kMetricsSide * kMetricsSide),
                      .unit = "ms/MP",
                      .detail = "RGB"});
        })
        ->Unit(benchmark::kMillisecond)
        ->MinTime(0.3);
  }
}

}  // namespace chiaro::bench
