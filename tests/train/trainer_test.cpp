#include "chiaro/train/trainer.h"

#include <algorithm>
#include <fstream>

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "chiaro/base/files.h"
#include "chiaro/base/text.h"
#include "chiaro/image/codec.h"
#include "chiaro/methods/catalogue.h"
#include "chiaro/networks/network.h"
#include "chiaro/train/device.h"
#include "chiaro/train/ema.h"
#include "tests/support/expect_error.h"
#include "tests/support/second_device.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::train::trainer_test {
namespace {

namespace fs = std::filesystem;

const char* const kRecipe = R"toml(
[data]
crop_px = 16
batch = 2
holdout = 0.0
[[source]]
name = "clean"
folders = ["."]
[[task]]
name = "noise"
spec = "noise(sigma_u8=20..30)"
)toml";

TrainOptions short_run(std::int64_t steps) {
  TrainOptions o;
  o.steps = steps;
  o.warmup_steps = 2;
  o.learning_rate = 2e-3;
  o.ema_decay = 0.9;
  o.device = "cpu";
  o.threads = 1;
  o.log_every = 2;
  o.checkpoint_every = 3;
  o.validate_every = 0;
  o.sample_every = 0;
  return o;
}

/// A method whose network is lagged by copies and counted steps: state beyond weights, and two
/// phases.
class TwoPhases : public methods::Method {
 public:
  TwoPhases() {
    torch::manual_seed(3);
    state_ = std::make_shared<State>();
  }
  std::vector<methods::Phase> phases() const override { return {{"first", 0.5}, {"second", 0.5}}; }
  methods::Losses losses(const data::Batch& batch, const methods::StepInfo& info) override {
    const at::Tensor output = batch.input * (info.phase == "first" ? state_->a : state_->b);
    const at::Tensor lagged = batch.input * state_->lagged;
    methods::Losses result;
    result.terms.push_back({"l1", (output - batch.target).abs().mean(), 1.0});
    result.terms.push_back({"push", -(output - lagged).square().mean(), 0.01});
    result.meters.emplace_back("random",
                               at::rand({1}).item<double>());  // from the default generator
    result.terms.push_back({"jitter", (output * at::rand({1})).mean(), 1e-3});
    return result;
  }
  void after_step(const methods::StepInfo& info) override {
    if (info.step % 3 == 0) state_->lagged.copy_(state_->a);
  }
  std::vector<at::Tensor> trainable(const std::string& phase) override {
    return {phase == "first" ? state_->a : state_->b};
  }
  torch::nn::Module& state() override { return *state_; }
  methods::Product product() override { return {}; }

 private:
  struct State : torch::nn::Module {
    State() {
      a = register_parameter("a", at::full({1}, 0.5));
      b = register_parameter("b", at::full({1}, 0.2));
      lagged = register_buffer("lagged", at::full({1}, 0.4));
    }
    at::Tensor a;
    at::Tensor b;
    at::Tensor lagged;
  };
  std::shared_ptr<State> state_;
};

class TrainerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_ / "pictures");
    for (int i = 0; i < 3; ++i) {
      image::Image picture(3, 24, 24);
      for (int y = 0; y < 24; ++y) {
        for (int x = 0; x < 24; ++x) {
          for (int c = 0; c < 3; ++c)
            picture.at(c, y, x) = 0.5F + 0.02F * static_cast<float>((x - 12) * i);
        }
      }
      image::write(folder_ / "pictures" / (std::to_string(i) + ".png"), picture);
    }
    dataset_ = std::make_shared<data::Dataset>(parse_recipe(kRecipe, "test"), folder_ / "pictures",
                                               data::Part::Training);
  }

  std::unique_ptr<methods::Method> method(const std::string& name,
                                          const OptionTable& options) const {
    const OptionTable small{{"channels", std::vector<std::int64_t>{8, 12}},
                            {"encoder_blocks", std::vector<std::int64_t>{1}},
                            {"decoder_blocks", std::vector<std::int64_t>{1}},
                            {"middle_blocks", std::int64_t{1}}};
    torch::manual_seed(1);
    methods::Setting setting{networks::make("resunet", small), dataset_->tasks(), 1};
    setting.make_network = [small] { return networks::make("resunet", small); };
    return methods::find(name).make(setting, options);
  }
  std::unique_ptr<methods::Method> supervised() const { return method("supervised", {}); }

  /// Trains `make()` for `steps` steps, stopping after each count in `stops` and resuming in fresh
  /// objects.
  template <typename Make>
  std::string train(const std::string& name, const TrainOptions& options, const Make& make,
                    const std::vector<std::int64_t>& stops) {
    const fs::path path = folder_ / name;
    for (std::size_t part = 0; part <= stops.size(); ++part) {
      checkpoint::RunFolder run(path);
      Surroundings around;
      std::int64_t taken = 0;
      if (part < stops.size()) around.should_stop = [&] { return taken++ >= stops[part]; };
      Trainer trainer(options, dataset_, make(), run, "recipe", around);
      EXPECT_EQ(trainer.resume(), part > 0);
      const Outcome outcome = trainer.run();
      EXPECT_EQ(outcome.finished, part == stops.size());
    }
    const auto bytes =
        read_file(path / "checkpoints" / fmt::format("step_{:06d}.safetensors", options.steps));
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  test::TemporaryFolder folder_;
  std::shared_ptr<data::Dataset> dataset_;
};

TEST_F(TrainerTest, StoppingAndResumingChangesNoBit) {
  for (const char* precision : {"f32", "bf16"}) {
    TrainOptions options = short_run(12);
    options.precision = precision;
    const std::string straight =
        train(std::string("straight_") + precision, options, [&] { return supervised(); }, {});
    const std::string stopped =
        train(std::string("stopped_") + precision, options, [&] { return supervised(); }, {5, 4});
    EXPECT_TRUE(straight == stopped) << precision;
  }
}

TEST_F(TrainerTest, ResumeIsExactAcrossPhasesWithExtraState) {
  const auto make = [] { return std::make_unique<TwoPhases>(); };
  TrainOptions options = short_run(12);
  options.precision = "f32";
  const std::string straight = train("straight", options, make, {});
  for (const std::int64_t stop : {1, 5, 6, 7, 11}) {  // 6 is the border of the phases
    EXPECT_TRUE(straight == train("stopped" + std::to_string(stop), options, make, {stop})) << stop;
  }
}

// Averages, optimiser state and checkpoints of another device than the processor.
TEST_F(TrainerTest, AnotherDeviceTrainsAsTheProcessorDoes) {
  TrainOptions options = short_run(12);
  options.precision = "f32";
  train("processor", options, [&] { return supervised(); }, {});
  options.device = second_device().str();
  const std::string straight = train("straight", options, [&] { return supervised(); }, {});
  EXPECT_TRUE(straight == train("stopped", options, [&] { return supervised(); }, {5, 4}));

  const auto weights = [&](const char* run) {
    return checkpoint::load(folder_ / run / "checkpoints" / "step_000012.safetensors").tensors;
  };
  const auto expected = weights("processor");
  const auto found = weights("straight");
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& [name, tensor] : expected)
    EXPECT_TRUE(at::allclose(found.at(name), tensor, 1e-3, 1e-5)) << name;
}

TEST(Device, NamesWithoutALibraryAreRefused) {
  for (const char* name : {"gpu", "xla", "cuda:x", ""})
    test::expect_error(ErrorCode::Usage, "[train.device]", [&] { choose_device(name); });
}

// Lagged copies, their ages, averages of the weight, the turn of the round robin: all in the
// checkpoint.
TEST_F(TrainerTest, ResumeIsExactWithLaggedCopies) {
  for (const char* variant : {"interval", "adaptive", "one"}) {
    const auto make = [&] {
      OptionTable options{{"random_width", std::int64_t{4}}, {"share", 0.03}};
      if (variant == std::string("one")) {
        options["negatives"] = std::string("one");
      } else {
        options["refresh"] = std::string(variant);
      }
      return method("spn", options);
    };
    const TrainOptions options = short_run(24);
    const std::string name = variant;
    const std::string straight = train(name + "_straight", options, make, {});
    EXPECT_TRUE(straight == train(name + "_stopped", options, make, {5, 9})) << variant;
  }
}

// A copy that keeps nothing of itself is the network as the optimiser left it, not as it found it.
TEST_F(TrainerTest, CopiesAreRefreshedAfterTheOptimiser) {
  const auto make = [&] {
    return method("spn", {{"random_width", std::int64_t{4}},
                          {"intervals", std::vector<std::int64_t>{100}},
                          {"retained", std::vector<double>{0.0}}});
  };
  train("copied", short_run(10), make, {});  // the interval is at least 10 steps
  const auto tensors =
      checkpoint::load(folder_ / "copied" / "checkpoints" / "step_000010.safetensors").tensors;
  const std::string network = "method.network.";
  int compared = 0;
  for (const auto& [name, tensor] : tensors) {
    if (!name.starts_with(network)) continue;
    EXPECT_TRUE(at::equal(tensor, tensors.at("method.copies.0." + name.substr(network.size()))))
        << name;
    ++compared;
  }
  EXPECT_GT(compared, 10);
}

TEST_F(TrainerTest, SpnWithoutItsTermIsSupervisedTrainingBitForBit) {
  const TrainOptions options = short_run(12);
  const OptionTable l1{{"loss", std::string("l1")}};
  train("plain", options, [&] { return method("supervised", l1); }, {});
  train("zero", options, [&] { return method("spn", {{"lambda", 0.0}}); }, {});
  train("pushed", options, [&] { return method("spn", {{"lambda", 0.1}}); }, {});
  const auto weights = [&](const char* run) {
    return checkpoint::load(folder_ / run / "checkpoints" / "step_000012.safetensors").tensors;
  };
  const auto plain = weights("plain");
  const auto zero = weights("zero");
  const auto pushed = weights("pushed");
  int compared = 0;
  bool moved = false;
  for (const auto& [name, tensor] : plain) {
    if (!name.starts_with("method.")) continue;
    const std::string same = "method.network." + name.substr(7);
    EXPECT_TRUE(at::equal(tensor, zero.at(same))) << name;
    moved = moved || !at::equal(tensor, pushed.at(same));
    ++compared;
  }
  EXPECT_GT(compared, 10);
  EXPECT_TRUE(moved);
}

TEST_F(TrainerTest, LossFallsOnATinySet) {
  TrainOptions options = short_run(60);
  options.log_every = 10;
  train("falls", options, [&] { return supervised(); }, {});
  const auto lines = split(read_text(folder_ / "falls" / "losses.csv"), '\n');
  const auto loss = [&](std::size_t line) { return std::stod(split(lines.at(line), ',').at(1)); };
  EXPECT_LT(loss(6), 0.8 * loss(1));
}

TEST_F(TrainerTest, CsvHoldsEachStepOnceAfterResuming) {
  train("csv", short_run(12), [&] { return supervised(); }, {5});
  const auto lines = split(read_text(folder_ / "csv" / "losses.csv"), '\n');
  std::vector<std::string> steps;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (!lines[i].empty()) steps.push_back(lines[i].substr(0, lines[i].find(',')));
  }
  EXPECT_EQ(steps, (std::vector<std::string>{"2", "4", "6", "8", "10", "12"}));
}

TEST_F(TrainerTest, SamplesAndTheRecipeAreAmongTheEvents) {
  TrainOptions options = short_run(4);
  options.sample_every = 2;
  checkpoint::RunFolder run(folder_ / "shown");
  Surroundings around;
  around.write_samples = [&](methods::Method&, std::int64_t step) {
    const fs::path file = folder_ / fmt::format("strip_{}.png", step);
    image::write(file, image::Image(3, 7, 300, 0.5F));
    return step == 2 ? file : fs::path();
  };
  Trainer(options, dataset_, supervised(), run, "steps = 4", around).run();
  std::string events;
  for (const auto& entry : fs::directory_iterator(folder_ / "shown")) {
    if (entry.path().filename().string().starts_with("events.out.tfevents."))
      events += read_text(entry.path());
  }
  EXPECT_NE(events.find("```toml\nsteps = 4\n```"), std::string::npos);
  const auto count = [&](const std::string& what) {
    int found = 0;
    for (std::size_t at = events.find(what); at != std::string::npos;
         at = events.find(what, at + 1))
      ++found;
    return found;
  };
  // The tag, and a summary that begins with a height of 7 and a width of 300 in three colours.
  EXPECT_EQ(count("samples"), 1);
  EXPECT_EQ(count("\x08\x07\x10\xac\x02\x18\x03"), 1);
  EXPECT_NE(events.find(read_text(folder_ / "strip_2.png")), std::string::npos);
}

TEST_F(TrainerTest, AccumulatingEqualsABiggerBatch) {
  TrainOptions two = short_run(3);
  two.precision = "f32";
  two.clip_norm = 0;
  TrainOptions one = two;
  two.accumulate = 2;
  const auto weights = [&](const TrainOptions& options, std::int64_t batch,
                           const std::string& name) {
    Recipe recipe = parse_recipe(kRecipe, "test");
    recipe.tables["data"].values["batch"] = batch;
    dataset_ = std::make_shared<data::Dataset>(recipe, folder_ / "pictures", data::Part::Training);
    train(name, options, [&] { return supervised(); }, {});
    return checkpoint::load(folder_ / name / "checkpoints" / "step_000003.safetensors");
  };
  const auto a = weights(two, 2, "two");
  const auto b = weights(one, 4, "one");
  for (const auto& [name, tensor] : a.tensors) {
    if (!name.starts_with("ema.")) continue;
    EXPECT_TRUE(at::allclose(tensor, b.tensors.at(name), 1e-3, 1e-5)) << name;
  }
}

// A meter that only the first micro-batch gives is not thinned by those without it.
TEST_F(TrainerTest, AMeterIsTheMeanOfTheMicroBatchesThatHaveIt) {
  class Rare : public TwoPhases {
   public:
    methods::Losses losses(const data::Batch& batch, const methods::StepInfo& info) override {
      auto result = TwoPhases::losses(batch, info);
      result.meters.emplace_back("number", static_cast<double>(info.micro_batch));
      if (info.due(1)) result.meters.emplace_back("rare", 7.0);
      return result;
    }
  };
  TrainOptions options = short_run(2);
  options.accumulate = 3;
  checkpoint::RunFolder run(folder_ / "rare");
  Trainer trainer(options, dataset_, std::make_unique<Rare>(), run, "recipe", {});
  trainer.run();
  const auto lines = split(read_text(folder_ / "rare" / "losses.csv"), '\n');
  const auto names = split(lines[0], ',');
  const auto values = split(lines[1], ',');
  const auto cell = [&](const char* name) {
    return values.at(static_cast<std::size_t>(std::ranges::find(names, name) - names.begin()));
  };
  EXPECT_EQ(cell("rare"), "7.0");
  EXPECT_EQ(cell("number"), "1.0");  // the mean of 0, 1 and 2
}

TEST_F(TrainerTest, ANonFiniteLossStopsNamingStepTermAndSamples) {
  class Broken : public TwoPhases {
   public:
    methods::Losses losses(const data::Batch& batch, const methods::StepInfo& info) override {
      auto result = TwoPhases::losses(batch, info);
      if (info.step == 2) result.terms[1].value = result.terms[1].value / 0.0;
      return result;
    }
  };
  checkpoint::RunFolder run(folder_ / "broken");
  Trainer trainer(short_run(6), dataset_, std::make_unique<Broken>(), run, "recipe", {});
  try {
    trainer.run();
    ADD_FAILURE() << "went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::CheckFailed);
    for (const char* part : {"'push'", "step 2", "sample 4", "noise(", ".png"}) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
          << part << " in " << error.what();
    }
  }
}

/// Reports that it collapsed from step 5 on, and a meter in every third step.
class Collapsing : public TwoPhases {
 public:
  methods::Losses losses(const data::Batch& batch, const methods::StepInfo& info) override {
    auto result = TwoPhases::losses(batch, info);
    if (info.step >= 5) result.warnings.push_back("collapsed: nothing is told apart");
    if (info.step % 3 == 0) result.meters.emplace_back("rare", 6.0);
    return result;
  }
};

TEST_F(TrainerTest, WarningsOfTheMethodAreShownOnceInAValidationInterval) {
  TrainOptions options = short_run(12);
  options.validate_every = 4;
  options.best = "score";
  checkpoint::RunFolder run(folder_ / "collapsing");
  Surroundings around;
  around.validate = [](methods::Method&, const methods::StepInfo&) {
    return Metrics{{"score", 1.0}};
  };
  Trainer trainer(options, dataset_, std::make_unique<Collapsing>(), run, "recipe", around);
  const Outcome outcome = trainer.run();
  // Steps 6 to 12 report it; shown at 6 and 10.
  EXPECT_EQ(outcome.warnings, (std::vector<std::string>(2, "collapsed: nothing is told apart")));
}

/// Has a remark in the first step, and collapsed in the second.
class Remarking : public TwoPhases {
 public:
  methods::Losses losses(const data::Batch& batch, const methods::StepInfo& info) override {
    auto result = TwoPhases::losses(batch, info);
    if (info.due(100)) result.remarks.push_back("no negatives");
    if (info.step > 0) result.warnings.push_back("collapsed");
    return result;
  }
};

TEST_F(TrainerTest, RemarksAreShownAtOnceAndHideNoWarning) {
  checkpoint::RunFolder run(folder_ / "remarking");
  Trainer trainer(short_run(4), dataset_, std::make_unique<Remarking>(), run, "recipe", {});
  EXPECT_EQ(trainer.run().warnings, (std::vector<std::string>{"no negatives", "collapsed"}));
}

TEST_F(TrainerTest, RareMetersAreAveragedOverTheStepsThatHaveThem) {
  TrainOptions options = short_run(12);
  options.log_every = 6;
  train("rare", options, [] { return std::make_unique<Collapsing>(); }, {});
  const auto lines = split(read_text(folder_ / "rare" / "losses.csv"), '\n');
  const auto columns = split(lines.at(0), ',');
  const auto column = std::ranges::find(columns, "rare") - columns.begin();
  EXPECT_EQ(std::stod(split(lines.at(1), ',').at(static_cast<std::size_t>(column))), 6.0);
  EXPECT_EQ(std::stod(split(lines.at(2), ',').at(static_cast<std::size_t>(column))), 6.0);
}

TEST_F(TrainerTest, APhaseCanTakeAShareOfTheLearningRate) {
  class Careful : public TwoPhases {
   public:
    std::vector<methods::Phase> phases() const override {
      return {{"first", 0.5}, {.name = "second", .share = 0.5, .rate = 0.1}};
    }
  };
  TrainOptions options = short_run(8);
  options.schedule = "constant";
  options.warmup_steps = 0;
  options.log_every = 1;
  train("careful", options, [] { return std::make_unique<Careful>(); }, {});
  const auto lines = split(read_text(folder_ / "careful" / "losses.csv"), '\n');
  const auto columns = split(lines.at(0), ',');
  const auto column =
      static_cast<std::size_t>(std::ranges::find(columns, "learning_rate") - columns.begin());
  const auto rate = [&](std::size_t step) {
    return std::stod(split(lines.at(step), ',').at(column));
  };
  EXPECT_DOUBLE_EQ(rate(4), options.learning_rate);
  EXPECT_NEAR(rate(5), 0.1 * options.learning_rate, 1e-12);
  EXPECT_NEAR(rate(8), 0.1 * options.learning_rate, 1e-12);
}

TEST_F(TrainerTest, NoPhaseSeesSamplesOfAnother) {
  class Watching : public TwoPhases {
   public:
    explicit Watching(std::vector<at::Tensor>& seen) : seen_(seen) {}
    std::vector<methods::Phase> phases() const override {
      return {{.name = "first", .share = 0.5, .batch = 6}, {.name = "second", .share = 0.5}};
    }
    methods::Losses losses(const data::Batch& batch, const methods::StepInfo& info) override {
      seen_.push_back(batch.input.clone());
      return TwoPhases::losses(batch, info);
    }

   private:
    std::vector<at::Tensor>& seen_;
  };
  std::vector<at::Tensor> seen;
  train("watched", short_run(8), [&] { return std::make_unique<Watching>(seen); }, {3, 3});
  EXPECT_TRUE(at::equal(at::cat(seen), dataset_->batch(0, at::cat(seen).size(0)).input))
      << "all samples in order, each once";
  EXPECT_EQ(seen.front().size(0), 6);
  EXPECT_EQ(seen.back().size(0), dataset_->options().batch);
}

TEST_F(TrainerTest, ACheckpointOfAnotherNetworkIsRefused) {
  train("other", short_run(3), [] { return std::make_unique<TwoPhases>(); }, {});
  checkpoint::RunFolder run(folder_ / "other");
  Trainer trainer(short_run(6), dataset_, supervised(), run, "recipe", {});
  EXPECT_CHIARO_ERROR(trainer.resume(), Bundle, "");
}

TEST_F(TrainerTest, BestIsKeptByTheNamedMetric) {
  TrainOptions options = short_run(8);
  options.validate_every = 2;
  checkpoint::RunFolder run(folder_ / "best");
  Surroundings around;
  std::vector<double> values{10, 30, 20, 25};
  std::size_t next = 0;
  around.validate = [&](methods::Method&, const methods::StepInfo&) {
    return Metrics{{"psnr", values.at(next++)}};
  };
  Trainer trainer(options, dataset_, supervised(), run, "recipe", around);
  trainer.run();
  EXPECT_EQ(checkpoint::load(run.best_path()).integers.at("step"), 4);
}

// A tree that is not there yet has no purity, and weights that broke give no number: neither is the
// best, and neither ends the run.
TEST_F(TrainerTest, WhatIsNoNumberIsNotTheBest) {
  TrainOptions options = short_run(10);
  options.validate_every = 2;
  checkpoint::RunFolder run(folder_ / "no_number");
  Surroundings around;
  const double none = std::numeric_limits<double>::quiet_NaN();
  std::vector<Metrics> values{{}, {{"psnr", 10}}, {{"psnr", none}}, {{"psnr", 30}}, {{"psnr", 20}}};
  std::size_t next = 0;
  around.validate = [&](methods::Method&, const methods::StepInfo&) { return values.at(next++); };
  Trainer trainer(options, dataset_, supervised(), run, "recipe", around);
  trainer.run();
  EXPECT_EQ(next, 5U);
  const auto best = checkpoint::load(run.best_path());
  EXPECT_EQ(best.integers.at("step"), 8);
  EXPECT_EQ(best.numbers.at("best"), 30);
}

// The highest value is that of step 4, where the first of two phases ends.
TEST_F(TrainerTest, BestIsOfTheLastPhase) {
  TrainOptions options = short_run(8);
  options.validate_every = 2;
  const std::vector<double> values{10, 30, 20, 15};
  for (const std::int64_t stop : {8, 3, 4, 5, 7}) {  // 8: not stopped
    checkpoint::RunFolder run(folder_ / fmt::format("stopped_{}", stop));
    std::size_t next = 0;
    const auto go_on = [&](std::int64_t steps) {
      std::int64_t taken = 0;
      Surroundings around;
      around.should_stop = [&] { return taken++ >= steps; };
      around.validate = [&](methods::Method&, const methods::StepInfo&) {
        return Metrics{{"psnr", values.at(next++)}};
      };
      Trainer trainer(options, dataset_, std::make_unique<TwoPhases>(), run, "recipe", around);
      trainer.resume();
      trainer.run();
    };
    go_on(stop);
    EXPECT_EQ(fs::exists(run.best_path()), stop >= 6) << stop;
    go_on(8);
    const auto best = checkpoint::load(run.best_path());
    EXPECT_EQ(best.integers.at("step"), 6) << stop;
    EXPECT_EQ(best.numbers.at("best"), 20) << stop;
  }
}

TEST(Ema, FollowsTheHandRecurrence) {
  at::Tensor weight = at::zeros({1});
  Ema ema({weight}, 0.9);
  double expected = 0;
  for (int t = 1; t <= 200; ++t) {
    weight.fill_(t);
    ema.update();
    const double decay = std::min(0.9, (1.0 + t) / (10.0 + t));
    expected = decay * expected + (1 - decay) * t;
  }
  EXPECT_NEAR(ema.averages()[0].item<double>(), expected, 1e-3);
  {
    const EmaScope scope(ema);
    EXPECT_NEAR(weight.item<double>(), expected, 1e-3);
  }
  EXPECT_EQ(weight.item<double>(), 200);
}

}  // namespace
}  // namespace chiaro::train::trainer_test
