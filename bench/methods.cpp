// methods: what a contrastive term costs a training step, against what its arithmetic must cost.
#include <malloc.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/autocast_mode.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/optim/adamw.h>
#include <torch/utils.h>

#include "bench/rooms.h"
#include "bench/timing.h"
#include "chiaro/methods/method.h"
#include "chiaro/networks/network.h"
#include "chiaro/nn/feature_extractor.h"

namespace chiaro::bench {
namespace {

constexpr std::int64_t kBatch = 8;
constexpr std::int64_t kMethodCrop = 128;
constexpr std::int64_t kCopies = 4;
constexpr std::int64_t kWidth = 16;
constexpr double kMostOfFloor = 1.15;
constexpr double kMostOfCheapStep = 1.6;

/// One method being trained: bf16, channels last, without data, clipping and averages.
class Training {
 public:
  Training(const std::string& method, const OptionTable& options)
      : network_(networks::make("resunet")) {
    methods::Setting setting{.network = network_, .tasks = {}, .seed = 1, .make_network = [] {
                               return networks::make("resunet");
                             }};
    method_ = methods::find(method).make(setting, options);
    const c10::NoGradGuard no_grad;
    for (auto& parameter : method_->state().parameters()) {
      if (parameter.dim() == 4)
        parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
    }
    optimizer_ = std::make_unique<torch::optim::AdamW>(method_->trainable("train"),
                                                       torch::optim::AdamWOptions(1e-4));
  }

  void step(const data::Batch& batch) {
    methods::StepInfo info;
    info.step = steps_++;
    info.total_steps = 500'000;
    optimizer_->zero_grad();
    at::autocast::set_autocast_enabled(at::kCPU, true);
    at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
    const auto losses = method_->losses(batch, info);
    at::autocast::set_autocast_enabled(at::kCPU, false);
    at::autocast::clear_cache();
    at::Tensor total = at::zeros({});
    for (const auto& term : losses.terms) total = total + term.value.to(at::kFloat) * term.weight;
    total.backward();
    optimizer_->step();
    ++info.step;
    const c10::NoGradGuard no_grad;
    method_->after_step(info);
  }

  networks::Network& network() { return *network_; }

 private:
  std::shared_ptr<networks::Network> network_;
  std::unique_ptr<methods::Method> method_;
  std::unique_ptr<torch::optim::AdamW> optimizer_;
  std::int64_t steps_ = 0;
};

/// φ where multiplications are counted.
class CountedFeatures : public networks::Network {
 public:
  explicit CountedFeatures(std::shared_ptr<nn::FeatureExtractor> features)
      : features_(register_module("features", std::move(features))) {}
  at::Tensor forward(const at::Tensor& x, const networks::Condition& /*condition*/) override {
    return features_->forward(x).back();
  }
  networks::Geometry geometry() const override { return {}; }

 private:
  std::shared_ptr<nn::FeatureExtractor> features_;
};

/// chiaro-train keeps freed memory as well; otherwise the pages of large maps are cleared anew in
/// every step, and the copies' one batch has the largest.
void keep_freed_memory() {
  constexpr int kLarge = 1 << 30;
  mallopt(M_MMAP_THRESHOLD, kLarge);
  mallopt(M_TRIM_THRESHOLD, kLarge);
}

/// Of a step with `copies`, by multiplications, where a plain one is 1. A plain step costs the
/// forward pass F three times; a copy F once more, φ one pass V for ŷ and for each copy, and about
/// one for the gradient back to ŷ.
double floor_of_step(double f, double v, double copies) {
  return (3 * f + copies * f + (copies + 1) * v + v) / (3 * f);
}

void spn_step(benchmark::State& state, const Setting& setting, Report& report) {
  at::set_num_threads(setting.threads);
  keep_freed_memory();
  torch::manual_seed(1);
  data::Batch batch;
  batch.target =
      at::rand({kBatch, 3, kMethodCrop, kMethodCrop}).contiguous(at::MemoryFormat::ChannelsLast);
  batch.input = (batch.target + 0.1 * at::randn_like(batch.target)).clamp(0, 1);
  const OptionTable spn{{"random_width", kWidth}, {"feature_precision", std::string("run")}};
  OptionTable one = spn;
  one["negatives"] = std::string("one");
  OptionTable wide = spn;
  wide["feature_precision"] = std::string("f32");
  Training plain("supervised", {{"loss", std::string("l1")}});
  Training all("spn", spn);
  Training drawn("spn", one);
  Training all_wide("spn", wide);
  const auto times = take_turns(state, {{.run = [&] { plain.step(batch); }},
                                        {.run = [&] { all.step(batch); }},
                                        {.run = [&] { drawn.step(batch); }},
                                        {.run = [&] { all_wide.step(batch); }}});
  CountedFeatures features(nn::make_feature_extractor({.width = kWidth}));
  const double f = networks::multiplications(plain.network(), kMethodCrop, kMethodCrop);
  const double v = networks::multiplications(features, kMethodCrop, kMethodCrop);
  const auto add = [&](const std::string& name, std::size_t body, double copies,
                       std::optional<double> most, std::optional<double> most_of_floor) {
    const double ratio = median_ratio(times[body], times[0]);
    const double floor = floor_of_step(f, v, copies);
    report.add({.name = name,
                .value = ratio,
                .unit = "x",
                .at_most = most,
                .detail = fmt::format("{}x{}x{} bf16, floor {:.2f}: ", kBatch, kMethodCrop,
                                      kMethodCrop, floor) +
                          pair_text(times[body], times[0])});
    report.add({.name = name + "_over_floor",
                .value = ratio / floor,
                .unit = "x",
                .at_most = most_of_floor,
                .detail = fmt::format("{:.2f} plain steps over {:.2f}, by multiplications", ratio,
                                      floor)});
  };
  add("train/spn_step", 1, kCopies, {}, kMostOfFloor);
  add("train/spn_step_one_negative", 2, 1, kMostOfCheapStep, {});
  // By default φ stays in float32, whose multiplications take longer: no aim.
  add("train/spn_step_f32_features", 3, kCopies, {}, {});
}

}  // namespace

void add_methods(const Setting& setting, Report& report) {
  benchmark::RegisterBenchmark(
      "train/spn_step",
      [&setting, &report](benchmark::State& state) { spn_step(state, setting, report); })
      ->UseManualTime()
      ->Iterations(setting.rounds)
      ->Unit(benchmark::kMillisecond);
}

}  // namespace chiaro::bench
