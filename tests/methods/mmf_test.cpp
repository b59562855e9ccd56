#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

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
