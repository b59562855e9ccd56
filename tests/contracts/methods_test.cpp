// Laws for every method of the catalogue.
#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/optim/adamw.h>
#include <torch/utils.h>
#include <algorithm>

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "chiaro/checkpoint/module_state.h"
#include "chiaro/methods/method.h"
#include "chiaro/networks/path_conditioner.h"
#include "tests/support/expect_error.h"
#include "tests/support/second_device.h"

namespace chiaro::methods::methods_test {
namespace {

constexpr std::int64_t kSteps = 20;
constexpr std::int64_t kKinds = 3;  // clean, noise, dark

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const auto& entry : catalogue()) result.push_back(entry.name);
  return result;
}

/// What a method is tried on.
struct Trial {
  std::string network = "dncnn";
  OptionTable network_options = {{"depth", std::int64_t{4}}, {"width", std::int64_t{8}}};
  OptionTable options = {};  ///< beside the defaults: smaller parts, so that the laws are quick
  void (*begin)(Method&) = nullptr;  ///< gives it what it starts from
  bool negatives_harden = false;     ///< they begin as noise and become earlier codes of the same
                                     ///< samples: the loss on one batch need not fall
};

/// A tree over codes of four values, as told goes by.
void plant_tree(Method& method) {
  const auto codes = at::linspace(0, 50, 96).sin().view({24, 4});
  const auto kind = at::arange(24, at::kLong) % kKinds;
  const auto severity = kind.gt(0).to(at::kFloat).unsqueeze(1) * 0.5;
  dynamic_cast<networks::PathConditioner&>(*method.product().conditioner)
      .tree()
      .build(codes / codes.norm(2, 1, true),
             at::cat({at::one_hot(kind, kKinds).to(at::kFloat), severity}, 1), 1);
}

Trial trial_of(const std::string& method) {
  using List = std::vector<std::int64_t>;
  static const std::map<std::string, Trial> special{
      {"mmf",
       {.network = "mmf_unet",
        .network_options = {{"channels", List{4, 8}},
                            {"encoder_blocks", List{1}},
                            {"middle_blocks", std::int64_t{1}},
                            {"decoder_blocks", List{1}},
                            {"types", kKinds}},
        .options = {{"width", std::int64_t{4}}, {"joint_share", 0.3}}}},
      {"spn", {.options = {{"random_width", std::int64_t{4}}}}},
      {"hcsc",
       {.network = "",
        .options = {{"width", std::int64_t{4}},
                    {"queue", std::int64_t{24}},
                    {"prototypes", List{4, 2}},
                    {"tree_every", std::int64_t{5}}},
        .negatives_harden = true}},
      {"told",
       {.network = "mmf_unet",
        .network_options = {{"channels", List{4, 8}},
                            {"encoder_blocks", List{1}},
                            {"middle_blocks", std::int64_t{1}},
                            {"decoder_blocks", List{1}},
                            {"types", kKinds},
                            {"embedding", std::int64_t{8}}},
        .options = {{"width", std::int64_t{4}},
                    {"dimension", std::int64_t{4}},
                    {"prototypes", List{4, 2}},
                    {"view_px", std::int64_t{16}}},
        .begin = plant_tree}},
      {"dcodr",
       {.network = "",
        .options = {{"width", std::int64_t{4}},
                    {"hidden", std::int64_t{16}},
                    {"whole_px", std::int64_t{16}}}}},
      {"nlcl",
       {.options = {{"patch_px", std::int64_t{4}},
                    {"window_px", std::int64_t{10}},
                    {"image_patches", std::int64_t{4}},
                    {"damage_patches", std::int64_t{12}},
                    {"location_patches", std::int64_t{16}},
                    {"discriminator_width", std::int64_t{4}},
                    {"discriminator_halvings", std::int64_t{2}},
                    {"head_width", std::int64_t{8}}}}}};
  const auto found = special.find(method);
  return found == special.end() ? Trial{} : found->second;
}

/// Null for methods that take none.
std::shared_ptr<networks::Network> network_for(const Trial& trial, std::uint64_t seed) {
  torch::manual_seed(seed);
  if (trial.network.empty()) return nullptr;
  return networks::make(trial.network, trial.network_options);
}

/// A method over a network with weights from `seed`.
std::unique_ptr<Method> made(const std::string& name, const OptionTable& options,
                             std::uint64_t seed = 1) {
  const Trial trial = trial_of(name);
  Setting setting{.network = network_for(trial, seed),
                  .tasks = {"clean", "noise", "dark"},
                  .seed = seed,
                  .kinds = {"clean", "noise", "dark"},
                  .sources = {"one", "two"}};
  setting.make_network = [trial] { return networks::make(trial.network, trial.network_options); };
  auto method = find(name).make(setting, options);
  if (trial.begin != nullptr) trial.begin(*method);
  return method;
}

std::unique_ptr<Method> made(const std::string& name, std::uint64_t seed = 1) {
  return made(name, trial_of(name).options, seed);
}

/// A whole batch, every field filled: soft pictures, each scene undamaged, noisy and dark in turn;
/// windows in which two crops fit side by side.
data::Batch batch_of(std::int64_t count, std::int64_t height, std::int64_t width,
                     std::uint64_t seed = 5) {
  torch::manual_seed(seed);
  constexpr std::int64_t kRim = 4;
  const std::int64_t side = 2 * std::max(height, width) + kRim;
  const std::int64_t scenes = (count + kKinds - 1) / kKinds;
  data::Batch batch;
  batch.context_target = at::upsample_bilinear2d(at::rand({scenes, 3, side / 4 + 1, side / 4 + 1}),
                                                 {side, side}, false)
                             .repeat_interleave(kKinds, 0)
                             .slice(0, 0, count)
                             .contiguous();
  const at::Tensor kind = at::arange(count) % kKinds;
  const auto of_kind = [&](std::int64_t k) { return (kind == k).view({count, 1, 1, 1}); };
  const at::Tensor noisy = batch.context_target + 0.1 * at::randn_like(batch.context_target);
  batch.context = at::where(of_kind(1), noisy, batch.context_target);
  batch.context = at::where(of_kind(2), 0.4 * batch.context_target, batch.context).clamp(0, 1);
  const auto cut = [&](const at::Tensor& window) {
    return window.slice(2, kRim, kRim + height).slice(3, kRim, kRim + width).contiguous();
  };
  batch.input = cut(batch.context);
  batch.target = cut(batch.context_target);
  batch.unpaired = batch.target.flip({0, 3}).contiguous();
  batch.task = kind;
  batch.kinds = at::one_hot(kind, kKinds).to(at::kBool);
  batch.severities = 0.5 * batch.kinds.to(at::kFloat);
  batch.severities.select(1, 0).zero_();  // undamaged
  batch.severity = batch.severities.amax(1);
  batch.source = at::arange(count) % 2;
  batch.content = at::arange(count).div(kKinds, "floor");
  for (std::int64_t i = 0; i < count; ++i) {
    batch.seeds.push_back(static_cast<std::uint64_t>(i));
    batch.origins.push_back("picture " + std::to_string(i));
  }
  return batch;
}

StepInfo info_at(const Method& method, std::size_t phase, std::int64_t step) {
  return {.step = static_cast<std::int64_t>(phase) * kSteps + step,
          .total_steps = static_cast<std::int64_t>(method.phases().size()) * kSteps,
          .phase = method.phases()[phase].name,
          .phase_step = step,
          .phase_steps = kSteps};
}

at::Tensor total(const Losses& losses) {
  at::Tensor sum;
  for (const auto& term : losses.terms) {
    const at::Tensor weighted = term.value.to(at::kFloat) * term.weight;
    sum = sum.defined() ? sum + weighted : weighted;
  }
  return sum;
}

/// Trains over all phases as the loop does; the sum of the terms at each step.
std::vector<double> train(Method& method, const data::Batch& batch, std::int64_t steps = kSteps,
                          double rate = 2e-3) {
  std::vector<double> values;
  for (std::size_t phase = 0; phase < method.phases().size(); ++phase) {
    torch::optim::AdamW optimizer(method.trainable(method.phases()[phase].name),
                                  torch::optim::AdamWOptions(rate));
    for (std::int64_t step = 0; step < steps; ++step) {
      StepInfo info = info_at(method, phase, step);
      optimizer.zero_grad();
      torch::manual_seed(static_cast<std::uint64_t>(info.step));
      const at::Tensor sum = total(method.losses(batch, info));
      sum.backward();
      optimizer.step();
      values.push_back(sum.item<double>());
      ++info.step;
      ++info.phase_step;
      const at::NoGradGuard no_grad;
      method.after_step(info);
    }
  }
  return values;
}

void expect_equal_state(const torch::nn::Module& a, const torch::nn::Module& b) {
  checkpoint::Checkpoint first;
  checkpoint::Checkpoint second;
  checkpoint::put_module(first, "state", a);
  checkpoint::put_module(second, "state", b);
  ASSERT_EQ(first.tensors.size(), second.tensors.size());
  for (const auto& [name, tensor] : first.tensors)
    EXPECT_TRUE(at::equal(tensor, second.tensors.at(name))) << name;
}

class Methods : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Catalogue, Methods, testing::ValuesIn(names()),
                         [](const auto& row) { return row.param; });

TEST_P(Methods, DescribesItself) {
  const auto& entry = find(GetParam());
  EXPECT_EQ(entry.name, GetParam());
  EXPECT_FALSE(entry.summary.empty());
  EXPECT_NE(entry.reference.find("https://"), std::string::npos);
  EXPECT_FALSE(entry.options.empty());
  for (const auto& option : entry.options) EXPECT_FALSE(option.help.empty()) << option.name;
}

TEST_P(Methods, SaysWhetherItTakesANetwork) {
  EXPECT_EQ(find(GetParam()).takes_network, network_for(trial_of(GetParam()), 1) != nullptr);
}

TEST_P(Methods, PhasesShareTheRun) {
  const auto method = made(GetParam());
  double sum = 0;
  std::set<std::string> seen;
  for (const auto& phase : method->phases()) {
    sum += phase.share;
    EXPECT_TRUE(seen.insert(phase.name).second) << phase.name;
    EXPECT_FALSE(method->trainable(phase.name).empty()) << phase.name;
  }
  EXPECT_NEAR(sum, 1.0, 1e-9);
}

TEST_P(Methods, RefusesAnUnknownOption) {
  EXPECT_CHIARO_ERROR(made(GetParam(), {{"no_such_option", true}}), Usage, "no_such_option");
}

// Watches count how often they are asked, so a step of several micro-batches asks once.
TEST_P(Methods, ExamineTheirContrastsOnceAStep) {
  const auto& options = find(GetParam()).options;
  const bool contrastive = std::ranges::any_of(
      options, [](const auto& option) { return option.name == "health_every"; });
  if (!contrastive) GTEST_SKIP() << "nothing to examine";
  OptionTable table = trial_of(GetParam()).options;
  table["health_every"] = std::int64_t{1};
  const auto method = made(GetParam(), table);
  const auto batch = batch_of(6, 16, 16);
  const auto examined = [&](const StepInfo& info) {
    return std::ranges::any_of(method->losses(batch, info).meters, [](const auto& meter) {
      return meter.first.ends_with("_collapsed");
    });
  };
  bool ever = false;
  for (std::int64_t step = 0; step < 3 && !ever; ++step) {  // a queue may have to be filled first
    StepInfo info = info_at(*method, 0, step);
    ever = examined(info);
    info.micro_batch = 1;
    EXPECT_FALSE(examined(info));
    ++info.step;
    const at::NoGradGuard no_grad;
    method->after_step(info);
  }
  EXPECT_TRUE(ever);
}

TEST_P(Methods, OptionsSurviveAsText) {
  OptionTable table;
  for (const auto& option : find(GetParam()).options) table[option.name] = option.default_value;
  for (const auto& [key, value] : trial_of(GetParam()).options) table[key] = value;
  for (auto& [key, value] : table) value = parse_value(to_text(value));
  const auto spelled_out = made(GetParam(), table);
  const auto direct = made(GetParam());
  const auto batch = batch_of(6, 16, 16);
  EXPECT_EQ(train(*spelled_out, batch, 3), train(*direct, batch, 3));
}

TEST_P(Methods, WhatIsTrainedIsPartOfTheState) {
  const auto method = made(GetParam());
  std::set<const void*> held;
  for (const auto& parameter : method->state().parameters())
    held.insert(parameter.unsafeGetTensorImpl());
  for (const auto& phase : method->phases()) {
    for (const auto& weight : method->trainable(phase.name)) {
      EXPECT_TRUE(held.contains(weight.unsafeGetTensorImpl())) << weight.sizes();
      EXPECT_TRUE(weight.requires_grad());
    }
  }
}

TEST_P(Methods, TermsAndGradientsAreFinite) {
  const auto method = made(GetParam());
  const auto batch = batch_of(6, 16, 16);
  for (std::size_t phase = 0; phase < method->phases().size(); ++phase) {
    const auto losses = method->losses(batch, info_at(*method, phase, 0));
    ASSERT_FALSE(losses.terms.empty());
    std::set<std::string> seen;
    for (const auto& term : losses.terms) {
      EXPECT_EQ(term.value.dim(), 0) << term.name;
      EXPECT_TRUE(std::isfinite(term.value.item<double>())) << term.name;
      EXPECT_TRUE(seen.insert(term.name).second) << term.name;
    }
    for (const auto& [name, value] : losses.meters) {
      EXPECT_TRUE(std::isfinite(value)) << name;
      EXPECT_TRUE(seen.insert(name).second) << name;
    }
    total(losses).backward();
    double largest = 0;
    for (const auto& weight : method->trainable(method->phases()[phase].name)) {
      if (!weight.grad().defined()) continue;
      EXPECT_TRUE(at::isfinite(weight.grad()).all().item<bool>());
      largest = std::max(largest, weight.grad().abs().max().item<double>());
    }
    EXPECT_GT(largest, 0);
  }
}

TEST_P(Methods, SameSeedSameSteps) {
  const auto batch = batch_of(6, 16, 16);
  const auto one = made(GetParam());
  const auto same = made(GetParam());
  EXPECT_EQ(train(*one, batch, 3), train(*same, batch, 3));
  expect_equal_state(one->state(), same->state());
}

// The state is all there is: put into another object, it goes on as the first one does.
TEST_P(Methods, GoesOnFromItsState) {
  const auto batch = batch_of(6, 16, 16);
  const auto first = made(GetParam());
  train(*first, batch, 7);
  checkpoint::Checkpoint kept;
  checkpoint::put_module(kept, "method", first->state());
  const auto second = made(GetParam(), 2);
  checkpoint::take_module(kept, "method", second->state());
  // Random numbers of the method may depend on its seed, so the second one has the first one's.
  const auto third = made(GetParam());
  checkpoint::take_module(kept, "method", third->state());
  expect_equal_state(first->state(), second->state());
  EXPECT_EQ(train(*first, batch, 5), train(*third, batch, 5));
  expect_equal_state(first->state(), third->state());
}

// As odd as the network allows.
TEST_P(Methods, TakesOddSizes) {
  const auto method = made(GetParam());
  const auto network = network_for(trial_of(GetParam()), 1);
  const std::int64_t unit = network ? network->geometry().alignment_px : 1;
  const auto odd = [&](std::int64_t least) { return ((least / unit) | 1) * unit; };
  for (const double value : train(*method, batch_of(6, odd(17), odd(23)), 1))
    EXPECT_TRUE(std::isfinite(value));
}

// One picture is enough, or is refused in so many words.
TEST_P(Methods, BatchOfOneIsTakenOrRefused) {
  const auto method = made(GetParam());
  try {
    for (const double value : train(*method, batch_of(1, 16, 16), 1))
      EXPECT_TRUE(std::isfinite(value));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Usage) << error.what();
    EXPECT_NE(std::string(error.what()).find("batch"), std::string::npos) << error.what();
  }
}

TEST_P(Methods, LossFallsOverTwentySteps) {
  if (trial_of(GetParam()).negatives_harden) GTEST_SKIP() << "its negatives become harder";
  const auto method = made(GetParam());
  const auto values = train(*method, batch_of(6, 16, 16));
  const auto mean = [&](std::size_t from) { return (values[from] + values[from + 1]) / 2; };
  for (std::size_t phase = 0; phase < method->phases().size(); ++phase)
    EXPECT_LT(mean(phase * kSteps + kSteps - 2), mean(phase * kSteps))
        << method->phases()[phase].name;
}

/// As the loop hands it over.
data::Batch on_device(data::Batch batch, c10::Device device) {
  for (at::Tensor* tensor : {&batch.input, &batch.target, &batch.unpaired, &batch.context,
                             &batch.context_target, &batch.task, &batch.severity, &batch.kinds,
                             &batch.severities, &batch.source, &batch.content})
    *tensor = tensor->to(device);
  return batch;
}

/// As long as it lives, torch computes with one thread.
class OneThread {
 public:
  OneThread() : before_(at::get_num_threads()) { at::set_num_threads(1); }
  ~OneThread() { at::set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

TEST_P(Methods, TrainsOnAnotherDevice) {
  // Sums that are divided among threads are rounded otherwise, and six steps make much of that.
  const OneThread one_thread;
  const data::Batch batch = batch_of(6, 16, 16);
  const auto here = made(GetParam());
  const auto there = made(GetParam());
  there->state().to(second_device());
  const auto expected = train(*here, batch, 6);
  const auto values = train(*there, on_device(batch, second_device()), 6);
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t step = 0; step < values.size(); ++step)
    EXPECT_NEAR(values[step], expected[step], 1e-3 * (1 + std::abs(expected[step]))) << step;

  // What is kept can be taken up on the processor.
  checkpoint::Checkpoint kept;
  checkpoint::put_module(kept, "method", there->state());
  const auto back = made(GetParam());
  checkpoint::take_module(kept, "method", back->state());
  for (const double value : train(*back, batch, 1)) EXPECT_TRUE(std::isfinite(value));
}

TEST_P(Methods, ProductEncodes) {
  const auto method = made(GetParam());
  const auto encoder = method->product().encoder;
  EXPECT_TRUE(encoder != nullptr || method->product().restorer != nullptr);
  if (encoder == nullptr) GTEST_SKIP() << "makes no representation";
  const at::NoGradGuard no_grad;
  const auto codes = encoder->encode(at::rand({3, 3, 32, 48}));
  EXPECT_EQ(codes.sizes(), (at::IntArrayRef{3, encoder->layout().dimension}));
  EXPECT_TRUE(at::allclose(codes.norm(2, 1), at::ones({3}), 1e-4));
}

TEST_P(Methods, ProductRestores) {
  const auto method = made(GetParam());
  const auto restorer = method->product().restorer;
  if (restorer == nullptr) GTEST_SKIP() << "makes a representation, no restorer";
  const at::NoGradGuard no_grad;
  EXPECT_EQ(restorer->forward(at::rand({1, 3, 12, 20})).sizes(), (at::IntArrayRef{1, 3, 12, 20}));
}

}  // namespace
}  // namespace chiaro::methods::methods_test
