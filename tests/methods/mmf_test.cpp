#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/optim/adam.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "chiaro/checkpoint/module_state.h"
#include "chiaro/methods/catalogue.h"
#include "chiaro/methods/stated_truth.h"
#include "tests/support/expect_error.h"

namespace chiaro::methods::mmf_test {
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

/// What both parts are told to change by the terms of the last phase.
std::map<std::string, double> joint_gradients(Method& method) {
  for (auto& parameter : method.state().parameters()) parameter.mutable_grad().reset();
  const auto losses = method.losses(batch(), {.phase = "joint"});
  at::Tensor total = at::zeros({});
  for (const auto& term : losses.terms) total = total + term.weight * term.value;
  total.backward();
  std::map<std::string, double> largest;
  for (const auto& entry : method.state().named_parameters()) {
    auto& part = largest[entry.key().substr(0, entry.key().find('.'))];
    const auto& grad = entry.value().grad();
    if (grad.defined()) part = std::max(part, grad.abs().max().item<double>());
  }
  return largest;
}

OptionTable joint(OptionTable more = {}) {
  more["width"] = std::int64_t{4};
  more["joint_share"] = 0.3;
  return more;
}

TEST(Mmf, TrainsBothAtLastWhereThatIsWanted) {
  const auto method = mmf().make(setting(), joint());
  const auto phases = method->phases();
  ASSERT_EQ(phases.size(), 3U);
  EXPECT_EQ(phases[2].name, "joint");
  EXPECT_DOUBLE_EQ(phases[2].share, 0.3);
  EXPECT_DOUBLE_EQ(phases[0].share + phases[1].share + phases[2].share, 1);
  EXPECT_DOUBLE_EQ(phases[2].rate, 0.1);
  EXPECT_DOUBLE_EQ(phases[0].rate, 1);
  EXPECT_EQ(method->trainable("joint").size(),
            method->trainable("controller").size() + method->trainable("restorer").size());
  auto found = joint_gradients(*method);
  EXPECT_GT(found["controller"], 0);
  EXPECT_GT(found["network"], 0);
  EXPECT_EQ(found["copy"], 0);

  // L₂ + 0.1 L₁.
  const auto data = batch();
  auto expected = terms(method->losses(data, {.phase = "restorer"}));
  expected.merge(terms(method->losses(data, {.phase = "controller"})));
  EXPECT_EQ(terms(method->losses(data, {.phase = "joint"})), expected);
  const auto weights = [&](const std::string& phase) {
    std::map<std::string, double> result;
    for (const auto& term : method->losses(data, {.phase = phase}).terms)
      result[term.name] = term.weight;
    return result;
  };
  auto together = weights("joint");
  for (const auto& [name, weight] : weights("controller"))
    EXPECT_DOUBLE_EQ(together.at(name), 0.1 * weight) << name;
  for (const auto& [name, weight] : weights("restorer")) EXPECT_EQ(together.at(name), weight);
  EXPECT_CHIARO_ERROR(mmf().make(setting(), joint({{"controller_share", 0.8}})), Usage,
                      "method.joint_share");
}

TEST(Mmf, TheRestorerTellsTheControllerOnlyOfWhatItWasTold) {
  const auto alone = [](double drop, double told) {
    const auto method =
        mmf().make(setting(), joint({{"joint_weight", 0.0}, {"drop", drop}, {"told", told}}));
    const at::NoGradGuard no_grad;  // a new network does not listen yet
    for (auto& parameter : method->trainable("restorer"))
      parameter.add_(at::ones_like(parameter), 0.01);
    const at::AutoGradMode grad(true);
    return joint_gradients(*method)["controller"];
  };
  EXPECT_GT(alone(0, 0), 0);
  EXPECT_EQ(alone(1, 0), 0);
  EXPECT_EQ(alone(0, 1), 0);
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

// As after `--from`, which brings a controller and no copy.
TEST(Mmf, TheCopyBeginsAsTheControllerThatTrainingStartsFrom) {
  const auto method = mmf().make(setting(), kNarrow);
  const auto weight = [&](const char* name) {
    return method->state().named_parameters()[std::string(name) + ".trunk.weight"];
  };
  {
    const at::NoGradGuard no_grad;
    weight("controller").add_(1.0);
  }
  method->losses(batch(), {.step = 5, .phase = "controller"});
  EXPECT_FALSE(at::equal(weight("copy"), weight("controller"))) << "a run that goes on";
  method->losses(batch(), {.step = 0, .phase = "controller"});
  EXPECT_TRUE(at::equal(weight("copy"), weight("controller")));
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
  EXPECT_TRUE(at::equal(told("shuffled"), codes_of_others(predicted, batch(), setting().seed)));
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

/// A controller that says of each of three sources what `bias` says, whatever it sees.
std::unique_ptr<Method> judge_of_sources(const std::vector<double>& bias) {
  Setting three = setting();
  three.sources = {"photos", "scans", "frames"};
  auto method = mmf().make(three, kNarrow);
  auto parameters = method->state().named_parameters();
  const at::NoGradGuard no_grad;
  parameters["controller.domain.weight"].zero_();
  parameters["controller.domain.bias"].copy_(at::tensor(bias));
  return method;
}

// L_dom = ln Σ exp z − z of the source: of equal logits ln 3; of 0, 1, 2 in turn ln(1 + e + e²)
// − 1.
TEST(Mmf, DomainTermIsTheCrossEntropyOfTheSource) {
  auto data = batch();
  data.source = at::tensor({0, 1, 2, 0, 1, 2}).to(at::kLong);
  const auto value = [&](const std::vector<double>& bias) {
    return terms(judge_of_sources(bias)->losses(data, {.phase = "controller"})).at("domain");
  };
  EXPECT_NEAR(value({5, 5, 5}), 1.098612, 1e-5);
  EXPECT_NEAR(value({0, 1, 2}), 1.407606, 1e-5);
  data.source = at::full({6}, 2).to(at::kLong);
  EXPECT_NEAR(value({0, 1, 2}), 0.407606, 1e-5);
  EXPECT_NEAR(value({0, 0, 30}), 0, 1e-5);  // a perfect judge
}

TEST(Mmf, DomainTermTeachesTheControllerAsItsDifferencesSay) {
  auto data = batch();
  data.source = at::tensor({0, 1, 2, 2, 2, 2}).to(at::kLong);
  const auto method = judge_of_sources({0, 1, 2});
  const auto term = [&] {
    const Losses losses = method->losses(data, {.step = 1, .phase = "controller"});
    return std::ranges::find(losses.terms, "domain", &Term::name)->value;
  };
  term().backward();
  const auto parameters = method->state().named_parameters();
  const auto bias = parameters["controller.domain.bias"];
  // softmax(0, 1, 2) less the shares 1/6, 1/6, 4/6.
  EXPECT_TRUE(at::allclose(bias.grad(), at::tensor({-0.076636, 0.078061, -0.001426}).to(at::kFloat),
                           0, 1e-5));
  const auto weight = parameters["controller.domain.weight"];
  const auto largest = weight.grad().abs().flatten().argmax().item<std::int64_t>();
  const auto at_offset = [&](double offset) {
    const at::NoGradGuard no_grad;
    weight.flatten()[largest].fill_(offset);
    return term().item<double>();
  };
  const double slope = (at_offset(0.05) - at_offset(-0.05)) / 0.1;
  EXPECT_NEAR(weight.grad().flatten()[largest].item<double>(), slope, 0.02 * std::abs(slope));
  for (const char* other : {"copy.domain.weight", "controller.severity.weight"})
    EXPECT_FALSE(parameters[other].grad().defined()) << other;
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

/// What a fresh controller whose embeddings coincide says in steps `from` to `to`, each examined:
/// meters and warnings, the warnings of each step led by its number.
struct Said {
  std::vector<std::pair<std::string, double>> meters;
  std::vector<std::string> warnings;
  void examine(Method& method, std::int64_t from, std::int64_t to) {
    for (std::int64_t step = from; step < to; ++step) {
      const Losses losses = method.losses(damaged_batch(static_cast<std::uint64_t>(step)),
                                          {.step = step, .phase = "controller"});
      meters.insert(meters.end(), losses.meters.begin(), losses.meters.end());
      for (const auto& warning : losses.warnings)
        warnings.push_back(std::to_string(step) + " " + warning);
    }
  }
};

std::unique_ptr<Method> collapsed() {
  OptionTable options = kNarrow;
  options["health_every"] = std::int64_t{1};
  auto method = mmf().make(setting(), options);
  auto parameters = method->state().named_parameters();
  const at::NoGradGuard no_grad;
  for (const char* head : {"damage", "content"}) {
    parameters[std::string("controller.") + head + ".weight"].zero_();
    parameters[std::string("controller.") + head + ".bias"].fill_(1);
  }
  return method;
}

// Two examinations before the stop count beside those after it.
TEST(Mmf, ExaminesAfterAResumeAsIfNeverStopped) {
  const auto straight = collapsed();
  Said of_straight;
  of_straight.examine(*straight, 0, 6);

  const auto stopped = collapsed();
  Said of_both;
  of_both.examine(*stopped, 0, 2);
  checkpoint::Checkpoint kept;
  checkpoint::put_module(kept, "method", stopped->state());
  const auto resumed =
      mmf().make(setting(), {{"width", std::int64_t{4}}, {"health_every", std::int64_t{1}}});
  checkpoint::take_module(kept, "method", resumed->state(), resumed->newer_state());
  of_both.examine(*resumed, 2, 6);

  EXPECT_EQ(of_both.meters, of_straight.meters);
  EXPECT_EQ(of_both.warnings, of_straight.warnings);
  ASSERT_EQ(of_straight.warnings.size(), 9U);  // three contrasts in steps 3, 4 and 5
  EXPECT_EQ(of_straight.warnings.front().find("3 contrast with the prototypes"), 0U);
}

TEST(Mmf, GoesOnFromCheckpointsWithoutWatches) {
  const auto method = collapsed();
  checkpoint::Checkpoint older;
  checkpoint::put_module(older, "method", method->state());
  EXPECT_EQ(std::erase_if(older.tensors,
                          [](const auto& item) { return item.first.ends_with("in_a_row"); }),
            3U);
  const auto resumed = mmf().make(setting(), kNarrow);
  checkpoint::take_module(older, "method", resumed->state(), resumed->newer_state());
  const auto bias = resumed->state().named_parameters()["controller.damage.bias"];
  EXPECT_TRUE(at::equal(bias, at::ones_like(bias)));
  older.tensors.erase("method.controller.damage.bias");
  EXPECT_CHIARO_ERROR(
      checkpoint::take_module(older, "method", resumed->state(), resumed->newer_state()), Bundle,
      "'controller.damage.bias' is missing");
}

// Of one scene there is none to tell it from; the damages on it can be told apart.
TEST(Mmf, OfOnePictureSaysThatContentHasNoNegatives) {
  OptionTable options = kNarrow;
  options["health_every"] = std::int64_t{1};
  const auto method = mmf().make(setting(), options);
  auto data = batch();
  data.content = at::zeros({6}, at::kLong);
  Losses losses;
  for (std::int64_t step = 0; step < 4; ++step)
    losses = method->losses(data, {.step = step, .phase = "controller"});
  for (const auto& term : losses.terms)
    EXPECT_TRUE(std::isfinite(term.value.item<double>())) << term.name;
  EXPECT_EQ(std::ranges::count_if(losses.warnings,
                                  [](const std::string& warning) {
                                    return warning.starts_with("contrast of content: no negatives");
                                  }),
            1);
}

// Prototypes are learnt for the rows of one table: a run that goes on with other rows is refused.
TEST(Mmf, ARunGoesOnWithItsOwnTextTable) {
  checkpoint::Checkpoint kept;
  const auto begun = mmf().make(setting(), kNarrow);
  checkpoint::put_module(kept, "", begun->state());
  const auto resumed = [&] {
    auto method = mmf().make(setting(), kNarrow);
    checkpoint::take_module(kept, "", method->state());
    return method;
  };
  EXPECT_EQ(resumed()->losses(batch(), {.phase = "controller"}).terms.size(), 5U);
  kept.tensors["controller.table"] = kept.tensors["controller.table"].roll(1, 0);
  for (const char* phase : {"controller", "restorer"})
    EXPECT_CHIARO_ERROR(resumed()->losses(batch(), {.phase = phase}), Usage, "another text table");
}

// Told what the controller predicts of it, a picture gains more than told what it predicts of the
// next one, which has another damage.
TEST(Mmf, PredictionsHelpMoreThanThoseOfOtherPictures) {
  OptionTable options = kNarrow;
  options["loss"] = std::string("l1");
  const auto method = mmf().make(setting(), options);
  const auto pictures = [](std::int64_t seed) {
    data::Batch made = damaged_batch(static_cast<std::uint64_t>(seed));
    made.input = made.context.narrow(2, 4, 16).narrow(3, 8, 16);
    made.target = made.context_target.narrow(2, 4, 16).narrow(3, 8, 16);
    return made;
  };
  StepInfo info;
  for (const char* phase : {"controller", "restorer"}) {
    info.phase = phase;
    torch::optim::Adam optimizer(method->trainable(phase), torch::optim::AdamOptions(1e-2));
    for (int i = 0; i < 30; ++i, ++info.step) {
      at::Tensor total = at::zeros({});
      const auto losses = method->losses(pictures(info.step), info);
      for (const auto& term : losses.terms) total = total + term.weight * term.value;
      optimizer.zero_grad();
      total.backward();
      optimizer.step();
    }
  }
  const at::NoGradGuard no_grad;
  const auto held_out = pictures(999);
  const auto code = method->condition(held_out);
  const auto error = [&](const at::Tensor& told) {
    return (method->product().restorer->forward(held_out.input, {told}) - held_out.target)
        .square()
        .mean()
        .item<double>();
  };
  EXPECT_LT(error(code), 0.9 * error(code.roll(1, 0)));
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
}  // namespace chiaro::methods::mmf_test
