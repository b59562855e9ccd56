// losses: the distances of all pairs of a batch of residuals, forwards and backwards.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/utils.h>

#include "bench/rooms.h"
#include "bench/timing.h"
#include "chiaro/losses/earth_movers.h"

namespace chiaro::bench {
namespace {

constexpr std::int64_t kCrops = 32;
constexpr std::int64_t kLossSide = 64;
constexpr double kAimMs = 30;

void earth_movers(benchmark::State& state, const Setting& setting, Report& report) {
  at::set_num_threads(setting.threads);
  torch::manual_seed(1);
  const at::Tensor values = 0.1 * at::randn({kCrops, 3, kLossSide * kLossSide});
  const at::Tensor leaf = values.clone().requires_grad_(true);
  const at::Tensor weights = at::rand({kCrops, kCrops});
  const std::vector<Times> times = take_turns(
      state, {{.run = [&] { benchmark::DoNotOptimize(losses::earth_movers(values)); }},
              {.run = [&] { (losses::earth_movers(leaf) * weights).sum().backward(); }},
              {.run = [&] {
                benchmark::DoNotOptimize(losses::earth_movers(values, losses::Transport::W1, 256));
              }}});
  const char* detail = "32 crops of 64x64x3, W1 of all pairs";
  report.add({.name = "losses/earth_movers",
              .value = 1e3 * median(times[0]),
              .unit = "ms",
              .at_most = kAimMs,
              .detail = detail});
  report.add({.name = "losses/earth_movers/with_gradient",
              .value = 1e3 * median(times[1]),
              .unit = "ms",
              .detail = detail});
  report.add({.name = "losses/earth_movers/256_quantiles",
              .value = 1e3 * median(times[2]),
              .unit = "ms",
              .detail = detail});
}

}  // namespace

void add_losses(const Setting& setting, Report& report) {
  benchmark::RegisterBenchmark(
      "losses/earth_movers",
      [&setting, &report](benchmark::State& state) { earth_movers(state, setting, report); })
      ->UseManualTime()
      ->Iterations(setting.rounds)
      ->Unit(benchmark::kMillisecond);
}

}  // namespace chiaro::bench
