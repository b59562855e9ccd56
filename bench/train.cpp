// train: a step of the training loop against one written by hand, and whether data keeps up.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/autocast_mode.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adamw.h>
#include <torch/utils.h>

#include "bench/pictures.h"
#include "bench/rooms.h"
#include "bench/timing.h"
#include "chiaro/base/recipe.h"
#include "chiaro/checkpoint/run_folder.h"
#include "chiaro/data/dataset.h"
#include "chiaro/data/loader.h"
#include "chiaro/image/codec.h"
#include "chiaro/methods/method.h"
#include "chiaro/networks/network.h"
#include "chiaro/train/ema.h"
#include "chiaro/train/optimizer.h"
#include "chiaro/train/trainer.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::bench {
namespace {

constexpr double kTrainAim = 1.05;
constexpr int kPictures = 6;
constexpr int kPictureSide = 768;
constexpr int kWarmUp = 3;

constexpr const char* kData = R"toml(
[data]
crop_px = 128
batch = 8
ahead = 8
holdout = 0.0
[[source]]
name = "pictures"
folders = ["."]
scale_min = 1.0
scale_max = 3.0
)toml";

/// Crops cost next to nothing: the loop alone is measured.
constexpr const char* kCheapTasks = R"toml(
[[task]]
name = "clean"
spec = "clean"
)toml";

/// The mixture of the recipe that makes the shipped bundle.
constexpr const char* kMixedTasks = R"toml(
[[task]]
name = "noise"
spec = "noise(sigma_u8=3..55)"
weight = 4.0
[[task]]
name = "jpeg"
spec = "jpeg(quality=8..60)"
weight = 2.0
[[task]]
name = "blur"
spec = "gaussian_blur/motion_blur/defocus_blur"
weight = 0.9
[[task]]
name = "rain"
spec = "rain"
weight = 2.0
[[task]]
name = "haze"
spec = "haze(beta=0.8..2.4,airlight=0.75..1)"
weight = 0.4
[[task]]
name = "low_light"
spec = "low_light(gain=0.08..0.35~log,gamma=1.2..2.2)"
weight = 0.35
[[task]]
name = "clean"
spec = "clean"
weight = 0.9
)toml";

/// Pictures on disk and a data set of them.
class Pictures {
 public:
  explicit Pictures(const std::string& tasks) {
    for (int i = 0; i < kPictures; ++i) {
      image::write(folder_ / fmt::format("{}.png", i), test_picture(kPictureSide, kPictureSide));
    }
    dataset = std::make_shared<data::Dataset>(parse_recipe(kData + tasks, "bench"), folder_.path(),
                                              data::Part::Training);
  }

 private:
  test::TemporaryFolder folder_;

 public:
  std::shared_ptr<data::Dataset> dataset;
};

/// A training step as one would write it down: bf16 autocast, channels-last, L1, AdamW.
class PlainStep {
 public:
  /// `whole`: the loop's own update, with its optimiser, clipping and averages; else libtorch's.
  explicit PlainStep(bool whole) : network_(networks::make("resunet")) {
    const c10::NoGradGuard no_grad;
    for (auto& parameter : network_->parameters()) {
      if (parameter.dim() == 4)
        parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
    }
    if (whole) {
      optimizer_ =
          train::make_optimizer(network_->parameters(), {.learning_rate = 1e-4, .beta2 = 0.99});
      ema_.emplace(network_->parameters(), 0.999);
    } else {
      optimizer_ = std::make_unique<torch::optim::AdamW>(
          network_->parameters(), torch::optim::AdamWOptions(1e-4).betas({0.9, 0.99}));
    }
  }

  void run(const data::Batch& batch) {
    const at::Tensor input = batch.input.contiguous(at::MemoryFormat::ChannelsLast);
    const at::Tensor target = batch.target.contiguous(at::MemoryFormat::ChannelsLast);
    optimizer_->zero_grad();
    at::autocast::set_autocast_enabled(at::kCPU, true);
    at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
    const at::Tensor loss = (network_->forward(input).to(at::kFloat) - target).abs().mean();
    at::autocast::set_autocast_enabled(at::kCPU, false);
    at::autocast::clear_cache();
    loss.backward();
    if (ema_) torch::nn::utils::clip_grad_norm_(network_->parameters(), 1.0);
    optimizer_->step();
    if (ema_) ema_->update();
  }

 private:
  std::shared_ptr<networks::Network> network_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
  std::optional<train::Ema> ema_;
};

/// The loop runs by itself; between two of its steps it asks whether to stop, and there the steps
/// written by hand take their turns.
void step_against_plain(benchmark::State& state, const Setting& setting, Report& report) {
  at::set_num_threads(setting.threads);
  const Pictures pictures(kCheapTasks);
  const data::Batch batch = pictures.dataset->batch(0, pictures.dataset->options().batch);
  PlainStep bare(false);
  PlainStep whole(true);

  train::TrainOptions options;
  options.steps = setting.rounds + kWarmUp + 1;
  options.warmup_steps = 2;
  options.device = "cpu";
  options.threads = setting.threads;
  options.checkpoint_every = options.steps;
  options.validate_every = 0;
  options.sample_every = 0;
  auto method = methods::find("supervised")
                    .make({networks::make("resunet"), pictures.dataset->tasks(), 1},
                          {{"loss", std::string("l1")}});
  const test::TemporaryFolder runs;
  checkpoint::RunFolder folder(runs / "run");
  Times loop;
  Times by_hand;
  Times by_hand_whole;
  std::int64_t asked = 0;
  double started = clock_s();
  train::Surroundings around;
  around.should_stop = [&] {
    const double step = clock_s() - started;
    const bool counted = asked++ > kWarmUp;
    const double first = seconds_of([&] { (asked % 2 == 0 ? bare : whole).run(batch); });
    const double second = seconds_of([&] { (asked % 2 == 0 ? whole : bare).run(batch); });
    if (counted) {
      loop.push_back(step);
      by_hand.push_back(asked % 2 == 0 ? first : second);
      by_hand_whole.push_back(asked % 2 == 0 ? second : first);
    }
    started = clock_s();
    return false;
  };
  train::Trainer trainer(options, pictures.dataset, std::move(method), folder, "bench", around);
  for ([[maybe_unused]] auto iteration : state) {
    trainer.run();
    state.SetIterationTime(median(loop));
  }
  report.add({.name = "train/step_against_plain",
              .value = median_ratio(loop, by_hand),
              .unit = "x",
              .at_most = kTrainAim,
              .detail = "8x128x128 bf16; by hand without clipping and averages: " +
                        pair_text(loop, by_hand)});
  report.add({.name = "train/step_against_same_update",
              .value = median_ratio(loop, by_hand_whole),
              .unit = "x",
              .at_most = kTrainAim,
              .detail = "by hand with them: " + pair_text(loop, by_hand_whole)});
}

/// One worker makes the batches that the network eats, on the same cores.
void data_keeps_up(benchmark::State& state, const Setting& setting, Report& report) {
  at::set_num_threads(setting.threads);
  const Pictures pictures(kMixedTasks);
  const auto size = pictures.dataset->options().batch;
  PlainStep step(false);
  step.run(pictures.dataset->batch(0, size));
  Times making;
  for (std::int64_t i = 0; i < setting.rounds; ++i) {
    making.push_back(seconds_of([&] { pictures.dataset->batch(i * size, size); }));
  }
  Times steps;
  data::Loader loader(pictures.dataset, 0);
  step.run(loader.next());
  const double waited_before = loader.waited_s();
  double total = 0;
  for ([[maybe_unused]] auto iteration : state) {
    const double whole = seconds_of([&] {
      const data::Batch batch = loader.next();
      steps.push_back(seconds_of([&] { step.run(batch); }));
    });
    total += whole;
    state.SetIterationTime(whole);
  }
  const double made = static_cast<double>(size) / median(making);
  const double eaten = static_cast<double>(size) / median(steps);
  report.add({.name = "data/one_worker_against_network",
              .value = made / eaten,
              .unit = "x",
              .at_least = 1.0,
              .detail = fmt::format("{:.0f} samples/s made, {:.0f} samples/s used by a step", made,
                                    eaten)});
  report.add({.name = "data/waiting",
              .value = 100 * (loader.waited_s() - waited_before) / total,
              .unit = "%",
              .at_most = 1.0,
              .detail = fmt::format("of the time of {} steps spent waiting for one worker",
                                    steps.size())});
}

}  // namespace

void add_train(const Setting& setting, Report& report) {
  benchmark::RegisterBenchmark(
      "train/step",
      [&setting, &report](benchmark::State& state) { step_against_plain(state, setting, report); })
      ->UseManualTime()
      ->Iterations(1)
      ->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark(
      "data/keeps_up",
      [&setting, &report](benchmark::State& state) { data_keeps_up(state, setting, report); })
      ->UseManualTime()
      ->Iterations(setting.rounds)
      ->Unit(benchmark::kMillisecond);
}

}  // namespace chiaro::bench
