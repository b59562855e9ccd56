#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/optim/adam.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "chiaro/methods/catalogue.h"
#include "tests/support/expect_error.h"

namespace chiaro::methods {
namespace {

using List = std::vector<std::int64_t>;

constexpr std::int64_t kKinds = 3;

OptionTable network_options(std::int64_t types = kKinds) {
  return {{"channels", List{4, 8}},
          {"encoder_blocks", List{1}},
          {"middle_blocks", std::int64_t{1}},
          {"decoder_blocks", List{1}},
          {"types", types}};
}

Setting setting() {
  torch::manual_seed(7);
  return {networks::make("mmf_unet", network_options()),
          {"t"},
          11,
          {"clean", "noise", "rain"},
          {"photos"}};
}

/// Two scenes under three kinds of damage each.
data::Batch batch() {
  data::Batch made;
  const std::int64_t n = 6;
  made.context_target =
      at::rand({2, 1, 3, 40, 40}).expand({2, 3, 3, 40, 40}).reshape({n, 3, 40, 40});
  made.context = (made.context_target + 0.1 * at::randn({n, 3, 40, 40})).clamp(0, 1);
  made.input = made.context.narrow(2, 4, 16).narrow(3, 8, 16);
  made.target = made.context_target.narrow(2, 4, 16).narrow(3, 8, 16);
  made.kinds = at::eye(3, at::kBool).repeat({2, 1});
  made.severities = made.kinds.to(at::kFloat) * 0.5;
  made.source = at::zeros({n}, at::kLong);
  made.content = at::tensor({0, 0, 0, 1, 1, 1}).to(at::kLong);
  made.task = at::zeros({n}, at::kLong);
  made.severity = at::full({n}, 0.5);
  for (std::uint64_t i = 0; i < 6; ++i) made.seeds.push_back(100 + i);
  made.origins.resize(6);
  return made;
}

std::map<std::string, double> terms(const Losses& losses) {
  std::map<std::string, double> values;
  for (const auto& term : losses.terms) values[term.name] = term.value.item<double>();
  return values;
}

const OptionTable kNarrow = {{"width", std::int64_t{4}}};

TEST(Mmf, TrainsTheControllerThenTheRestorer) {
  const auto method = mmf().make(setting(), kNarrow);
  const auto phases = method->phases();
  ASSERT_EQ(phases.size(), 2u);
  EXPECT_EQ(phases[0].name, "controller");
  EXPECT_EQ(phases[1].name, "restorer");
  EXPECT_DOUBLE_EQ(phases[0].share + phases[1].share, 1);
  const auto data = batch();
  const auto gradients = [&](const std::string& phase) {
    for (auto& parameter : method->state().parameters()) parameter.mutable_grad().reset();
    const auto losses = method->losses(data, {.phase = phase});
    at::Tensor total = at::zeros({});
    for (const auto& term : losses.terms) total = total + term.weight * term.value;
    total.backward();
    std::map<std::string, bool> has;
    for (const auto& entry : method->state().named_parameters()) {
      const std::string part = entry.key().substr(0, entry.key().find('.'));
      const auto& grad = entry.value().grad();
      has[part] = has[part] || (grad.defined() && grad.abs().max().item<double>() > 0);
    }
    return has;
  };
  auto first = gradients("controller");
  EXPECT_TRUE(first["controller"]);
  EXPECT_FALSE(first["network"] || first["copy"]);
  auto second = gradients("restorer");
  EXPECT_TRUE(second["network"]);
  EXPECT_FALSE(second["controller"] || second["copy"]);
}

TEST(Mmf, LossesStartNearWhatKnowingNothingCosts) {
  const auto method = mmf().make(setting(), kNarrow);
  const auto values = terms(method->losses(batch(), {.phase = "controller"}));
  // Six samples: a damage has one positive among five candidates, a clean scene three among six.
  EXPECT_NEAR(values.at("contrast"), std::log(5), 0.8);
  EXPECT_NEAR(values.at("content"), std::log(6), 0.8);
  EXPECT_GE(values.at("degradation"), 0.3);
  EXPECT_NEAR(values.at("domain"), 0, 1e-6);  // there is one source only
}

TEST(Mmf, TheCopyLags) {
  const auto method = mmf().make(setting(), kNarrow);
  const auto weight = [&](const char* name) {
    return method->state().named_parameters()[std::string(name) + ".trunk.weight"];
  };
  const auto before = weight("copy").clone();
  EXPECT_TRUE(at::equal(before, weight("controller")));
  EXPECT_FALSE(weight("copy").requires_grad());
  const at::NoGradGuard no_grad;
  weight("controller").add_(1.0);
  method->after_step({.step = 1, .phase = "controller"});
  EXPECT_TRUE(at::allclose(weight("copy"), before + 0.01, 0, 1e-6));
  method->after_step({.step = 2, .phase = "restorer"});
  EXPECT_TRUE(at::allclose(weight("copy"), before + 0.01, 0, 1e-6));
}

TEST(Mmf, UnknownSeveritiesOfRealPairsDoNotTeach) {
  const auto method = mmf().make(setting(), kNarrow);
  auto data = batch();
  data.severities = at::where(data.kinds, at::full_like(data.severities, -1.0), data.severities);
  const auto f = terms(method->losses(data, {.phase = "controller"}));
  EXPECT_LT(f.at("severity"), 0.11);  // what is left is the term of the absent kinds
}

TEST(Mmf, WhatTheRestorerIsToldFollowsTheOption) {
  const auto output_loss = [](const char* condition, double drop) {
    OptionTable options = kNarrow;
    options["condition"] = std::string(condition);
    options["drop"] = drop;
    options["told"] = 0.0;
    options["loss"] = std::string("l1");
    const Setting made = setting();
    const auto method = mmf().make(made, options);
    torch::manual_seed(8);
    const at::NoGradGuard no_grad;
    for (auto& parameter : made.network->parameters())
      parameter.add_(at::randn_like(parameter), 0.05);
    torch::manual_seed(9);
    return terms(method->losses(batch(), {.phase = "restorer"})).at("l1");
  };
  const double nothing = output_loss("none", 0);
  EXPECT_NEAR(output_loss("predicted", 1), nothing, 1e-6);  // dropped every time
  EXPECT_GT(std::abs(output_loss("predicted", 0) - nothing), 1e-5);
  EXPECT_NE(output_loss("shuffled", 0), output_loss("predicted", 0));
  EXPECT_NE(output_loss("oracle", 0), output_loss("predicted", 0));
}

TEST(Mmf, ValidationTellsTheRestorerWhatTheOptionSays) {
  const auto told = [](const char* condition) {
    OptionTable options = kNarrow;
    options["condition"] = std::string(condition);
    torch::manual_seed(7);
    return mmf().make(setting(), options)->condition(batch());
  };
  EXPECT_FALSE(told("none").defined());
  const auto predicted = told("predicted");
  EXPECT_TRUE(at::allclose(told("shuffled"), predicted.roll(predicted.size(0) / 2, 0)));
  EXPECT_FALSE(at::allclose(told("shuffled"), predicted));
  const auto truth = told("oracle");
  const auto data = batch();
  const auto kinds = data.kinds.size(1);
  EXPECT_TRUE(at::equal(truth.narrow(1, 0, kinds).gt(0), data.kinds));
  EXPECT_EQ(truth.narrow(1, 2 * kinds, truth.size(1) - 2 * kinds).abs().max().item<double>(), 0);
}

std::map<std::string, double> meters(const Losses& losses) {
  return {losses.meters.begin(), losses.meters.end()};
}

TEST(Mmf, WeighsTheTermsOfL1) {
  const auto method = mmf().make(setting(), kNarrow);
  std::map<std::string, double> weights;
  const Losses losses = method->losses(batch(), {.phase = "controller"});
  for (const auto& term : losses.terms) weights[term.name] = term.weight;
  EXPECT_EQ(weights, (std::map<std::string, double>{{"degradation", 1},
                                                    {"contrast", 0.5},
                                                    {"content", 0.5},
                                                    {"severity", 0.25},
                                                    {"domain", 0.1}}));
}

TEST(Mmf, ReportsTheHealthOfItsContrasts) {
  const auto method = mmf().make(setting(), kNarrow);
  const auto losses = method->losses(batch(), {.phase = "controller"});
  auto found = meters(losses);
  // Six samples of two scenes under three damages: each damage has one other sample of its kind
  // among five, each scene three clean windows among six, each kind one of three prototypes.
  for (const auto& [name, collapsed, floor] :
       {std::tuple{"contrast", std::log(5), 0.0}, std::tuple{"content", std::log(6), std::log(3)},
        std::tuple{"degradation", std::log(3), 0.0}}) {
    const std::string of = name;
    EXPECT_NEAR(found.at(of + "_collapsed"), collapsed, 1e-6) << name;
    EXPECT_NEAR(found.at(of + "_floor"), floor, 1e-6) << name;
    for (const char* what : {"_alignment", "_uniformity", "_rank", "_nearest", "_nearest_clean",
                             "_nearest_noise", "_nearest_rain"})
      EXPECT_TRUE(std::isfinite(found.at(of + what))) << name << what;
  }
  EXPECT_NEAR(found.at("contrast_loss"), terms(losses).at("contrast"), 1e-6);
  EXPECT_NEAR(found.at("content_loss"), terms(losses).at("content"), 1e-6);
  EXPECT_NEAR(found.at("degradation_nearest"), found.at("type_accuracy"), 1e-6);
  EXPECT_EQ(method->losses(batch(), {.step = 1, .phase = "controller"}).meters.size(), 1U);
  EXPECT_EQ(method->losses(batch(), {.phase = "restorer"}).meters.size(), 0U);
}

/// Four scenes, each clean, noisy and dark: what can be learned from.
data::Batch damaged_batch(std::uint64_t seed) {
  torch::manual_seed(seed);
  data::Batch made = batch();
  const std::int64_t n = 12;
  const auto grid = at::linspace(0, 12, 40);
  const auto waves =
      (grid.view({1, 1, 40, 1}) * (1 + at::arange(4).view({4, 1, 1, 1}))).sin() * 0.25 + 0.5;
  const auto scenes = (waves + 0.2 * at::rand({4, 3, 1, 1})).expand({4, 3, 40, 40});
  made.context_target = scenes.unsqueeze(1).expand({4, 3, 3, 40, 40}).reshape({n, 3, 40, 40});
  made.kinds = at::eye(3, at::kBool).repeat({4, 1});
  const auto is = [&](std::int64_t kind) {
    return made.kinds.select(1, kind).to(at::kFloat).view({n, 1, 1, 1});
  };
  made.context = made.context_target * (1 - 0.7 * is(2)) + 0.15 * is(1) * at::randn({n, 3, 40, 40});
  made.severities = made.kinds.to(at::kFloat) * 0.5;
  made.source = at::zeros({n}, at::kLong);
  made.content = at::arange(n, at::kLong).floor_divide(3);
  made.seeds.clear();
  for (std::uint64_t i = 0; i < 12; ++i) made.seeds.push_back(100 * seed + i);
  return made;
}

// A run that goes well, then one whose embeddings are made to coincide: said of each contrast after
// four examinations, and not before.
TEST(Mmf, NoticesThatTheControllerCollapsed) {
  OptionTable options = kNarrow;
  options["health_every"] = std::int64_t{5};
  const auto method = mmf().make(setting(), options);
  torch::optim::Adam optimizer(method->trainable("controller"), torch::optim::AdamOptions(3e-3));
  StepInfo info{.step = 0, .phase = "controller"};
  Losses last;
  for (; info.step < 40; ++info.step) {
    const auto losses = method->losses(damaged_batch(static_cast<std::uint64_t>(info.step)), info);
    EXPECT_TRUE(losses.warnings.empty()) << info.step << ": " << losses.warnings.front();
    at::Tensor total = at::zeros({});
    for (const auto& term : losses.terms) total = total + term.weight * term.value;
    optimizer.zero_grad();
    total.backward();
    optimizer.step();
    const at::NoGradGuard no_grad;
    method->after_step({.step = info.step + 1, .phase = "controller"});
  }
  auto parameters = method->state().named_parameters();
  for (const char* head : {"damage", "content"}) {
    const at::NoGradGuard no_grad;
    parameters[std::string("controller.") + head + ".weight"].zero_();
    parameters[std::string("controller.") + head + ".bias"].fill_(1);
  }
  std::vector<std::string> warnings;
  for (; info.step < 60; ++info.step) {
    EXPECT_TRUE(warnings.empty()) << info.step;
    const auto losses = method->losses(damaged_batch(static_cast<std::uint64_t>(info.step)), info);
    warnings = losses.warnings;
    if (info.step % 5 == 0) {
      EXPECT_EQ(meters(losses).at("contrast_rank"), 0);
    }
    if (!warnings.empty()) break;
  }
  EXPECT_EQ(info.step, 55);  // examined at 40, 45, 50 and 55
  ASSERT_EQ(warnings.size(), 3U);
  EXPECT_EQ(warnings[0].find("contrast with the prototypes: collapsed"), 0U) << warnings[0];
  EXPECT_EQ(warnings[1].find("contrast of damage: collapsed"), 0U) << warnings[1];
  EXPECT_EQ(warnings[2].find("contrast of content: collapsed"), 0U) << warnings[2];
}

// What runs from before the watches hold is what a run holds now.
TEST(Mmf, KeepsNothingOfTheWatchesInItsState) {
  const auto method = mmf().make(setting(), kNarrow);
  const auto buffers = method->state().named_buffers();
  for (const auto& buffer : buffers)
    EXPECT_EQ(buffer.key().find("watch"), std::string::npos) << buffer.key();
}

TEST(Mmf, RefusesNetworksThatDoNotFit) {
  Setting other = setting();
  other.network = networks::make("mmf_unet", network_options(5));
  EXPECT_CHIARO_ERROR(mmf().make(other, {}), Usage, "types = 3");
  other.network = networks::make("resunet", {});
  EXPECT_CHIARO_ERROR(mmf().make(other, {}), Usage, "mmf_unet");
  other.kinds = {"clean"};
  EXPECT_CHIARO_ERROR(mmf().make(other, {}), Usage, "at least one damage");
}

}  // namespace
}  // namespace chiaro::methods
