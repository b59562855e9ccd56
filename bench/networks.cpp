// engine: the same weights in the engine and in libtorch's eager mode, whole pictures.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <ATen/autocast_mode.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>
#include <torch/types.h>

#include "bench/pictures.h"
#include "bench/rooms.h"
#include "bench/timing.h"
#include "chiaro/base/error.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/engine/engine.h"
#include "chiaro/engine/processor.h"
#include "chiaro/freeze/freeze.h"
#include "chiaro/restore/bundle_search.h"

namespace chiaro::bench {
namespace {

constexpr int kNetworkSide = 512;
constexpr double kNetworkAim = 1.0;
constexpr double kTolerance = 0.05;  // of values in [0,1]; bf16 against bf16

/// The network with its weights in one memory format.
class Eager {
 public:
  Eager(const bundle::Bundle& bundle, at::MemoryFormat format, bool bf16, const at::Tensor& input)
      : network_(freeze::thaw(bundle)), bf16_(bf16) {
    network_->eval();
    const c10::NoGradGuard no_grad;
    for (auto& parameter : network_->parameters()) {
      if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(format));
    }
    input_ = input.contiguous(format);
  }

  at::Tensor run() {
    const c10::InferenceMode inference;
    if (!bf16_) return network_->forward(input_);
    at::autocast::set_autocast_enabled(at::kCPU, true);
    at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
    at::Tensor output = network_->forward(input_);
    at::autocast::set_autocast_enabled(at::kCPU, false);
    at::autocast::clear_cache();
    return output;
  }

 private:
  std::shared_ptr<networks::Network> network_;
  bool bf16_;
  at::Tensor input_;
};

void against_eager(benchmark::State& state, const Setting& setting, Report& report,
                   engine::Precision precision) {
  at::set_num_threads(setting.threads);
  // A network that is told something is not called like this; `plain` is the same without.
  auto bundle = bundle::read_bundle(setting.bundle);
  if (bundle.manifest.condition) bundle = bundle::read_bundle(restore::find_bundle("plain"));
  engine::Engine engine(bundle.member(bundle::kRestoreMember), {"cpu", precision, setting.threads},
                        bundle.origin);
  engine.prepare(1, 3, kNetworkSide, kNetworkSide);
  const auto picture = test_picture(kNetworkSide, kNetworkSide);
  std::copy(picture.pixels().begin(), picture.pixels().end(), engine.input().begin());
  const at::Tensor input = torch::empty({1, 3, kNetworkSide, kNetworkSide});
  std::copy(picture.pixels().begin(), picture.pixels().end(), input.data_ptr<float>());
  const bool bf16 = precision == engine::Precision::Bf16;
  Eager plain(bundle, at::MemoryFormat::Contiguous, bf16, input);
  Eager channels_last(bundle, at::MemoryFormat::ChannelsLast, bf16, input);

  // Who is faster means nothing unless both compute the same.
  engine.run();
  const auto result = engine.output();
  for (Eager* eager : {&plain, &channels_last}) {
    const at::Tensor output = eager->run().to(at::kFloat).contiguous();
    double worst = 0;
    for (std::size_t i = 0; i < result.size(); ++i) {
      const auto difference = static_cast<double>(result[i]) - output.data_ptr<float>()[i];
      worst = std::max(worst, std::abs(difference));
    }
    CHIARO_CHECK(worst <= kTolerance, CheckFailed,
                 "[bench.against_eager] engine and libtorch differ by {}; expected at most {}",
                 worst, kTolerance);
  }

  const auto times =
      take_turns(state, {{.run = [&] { engine.run(); }},
                         {.run = [&] { benchmark::DoNotOptimize(plain.run()); }},
                         {.run = [&] { benchmark::DoNotOptimize(channels_last.run()); }}});
  const auto add = [&](const std::string& variant, const Times& eager) {
    report.add({.name = fmt::format("engine/against_eager_{}/{}", variant,
                                    engine::precision_name(precision)),
                .value = median_ratio(times[0], eager),
                .unit = "x",
                .at_most = kNetworkAim,
                .detail = fmt::format("{0}, {1}x{1}: {2}", bundle.manifest.name, kNetworkSide,
                                      pair_text(times[0], eager))});
  };
  add("plain", times[1]);
  add("channels_last", times[2]);
}

}  // namespace

void add_networks(const Setting& setting, Report& report) {
  for (const auto precision : {engine::Precision::F32, engine::Precision::Bf16}) {
    if (precision == engine::Precision::Bf16 && !engine::has_bf16()) continue;
    const auto name = fmt::format("engine/against_eager/{}", engine::precision_name(precision));
    benchmark::RegisterBenchmark(name.c_str(),
                                 [&setting, &report, precision](benchmark::State& state) {
                                   against_eager(state, setting, report, precision);
                                 })
        ->UseManualTime()
        ->Iterations(setting.rounds)
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace chiaro::bench
