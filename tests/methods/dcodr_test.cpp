#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/optim/adam.h>
#include <torch/utils.h>

#include <cmath>
#include <map>

#include "chiaro/losses/probes.h"
#include "chiaro/methods/catalogue.h"
#include "chiaro/methods/degraded_copies.h"
#include "chiaro/networks/disentangled_encoder.h"
#include "tests/methods/named_losses.h"
#include "tests/support/expect_error.h"

namespace chiaro::methods::dcodr_test {
namespace {

const std::vector<std::string> kKinds = {"clean", "noise", "dark", "flat"};

OptionTable small(OptionTable extra = {}) {
  OptionTable options = {{"width", std::int64_t{4}},     {"hidden", std::int64_t{32}},
                         {"content", std::int64_t{16}},  {"degradation", std::int64_t{8}},
                         {"whole_px", std::int64_t{32}}, {"health_every", std::int64_t{1}}};
  for (auto& [key, value] : extra) options[key] = value;
  return options;
}

std::unique_ptr<Method> made(const OptionTable& options, std::uint64_t seed = 1) {
  torch::manual_seed(seed);
  return dcodr().make({.network = nullptr, .tasks = {}, .seed = seed, .kinds = kKinds}, options);
}

/// `scenes` waves of random directions and colours, each undamaged, noisy, dark and flat.
data::Batch batch_of(std::int64_t scenes, std::uint64_t seed, bool identical = false) {
  torch::manual_seed(seed);
  const auto x = at::arange(48, at::kFloat).view({1, 1, 1, 48});
  const auto y = at::arange(48, at::kFloat).view({1, 1, 48, 1});
  const auto draw = [&] { return at::rand({scenes, 3, 1, 1}); };
  at::Tensor clean =
      0.2 + 0.5 * draw() + 0.15 * (0.4 * draw() * x).sin() + 0.15 * (0.4 * draw() * y).cos();
  if (identical) clean = clean.narrow(0, 0, 1).expand_as(clean).contiguous();
  clean = clean.clamp(0, 1).repeat_interleave(4, 0);
  const auto count = 4 * scenes;
  const auto kind = at::arange(count) % 4;
  const auto is = [&](std::int64_t k) { return kind.eq(k).view({count, 1, 1, 1}); };
  data::Batch batch;
  batch.context_target = clean;
  batch.context = at::where(is(1), clean + 0.15 * at::randn_like(clean), clean);
  batch.context = at::where(is(2), 0.3 * clean, batch.context);
  batch.context = at::where(is(3), 0.5 + 0.2 * (clean - 0.5), batch.context).clamp(0, 1);
  batch.input = batch.context.slice(2, 8, 40).slice(3, 8, 40).contiguous();
  batch.kinds = at::one_hot(kind, 4).to(at::kBool);
  batch.severity = kind.gt(0).to(at::kFloat) * 0.5;
  batch.severities = batch.kinds.to(at::kFloat) * batch.severity.unsqueeze(1);
  batch.content = at::arange(count).div(4, "floor");
  batch.source = at::zeros({count}, at::kLong);
  batch.task = kind;
  for (std::int64_t i = 0; i < count; ++i) {
    batch.seeds.push_back(1000 * seed + static_cast<std::uint64_t>(i));
    batch.origins.push_back("wave " + std::to_string(i));
  }
  return batch;
}

/// Trains on scenes that change with every step.
void train(Method& method, std::int64_t steps, double rate = 2e-3) {
  torch::optim::Adam optimizer(method.trainable("train"), torch::optim::AdamOptions(rate));
  for (std::int64_t step = 0; step < steps; ++step) {
    const auto losses = method.losses(batch_of(6, static_cast<std::uint64_t>(step) + 10),
                                      {.step = step, .total_steps = steps});
    optimizer.zero_grad();
    total(losses).backward();
    optimizer.step();
  }
}

TEST(Dcodr, HasATermForEachCodeAndForThePainter) {
  const auto method = made(small());
  const auto losses = method->losses(batch_of(4, 1), {});
  for (const char* name : {"content", "degradation", "reconstruction", "swap"})
    EXPECT_GT(term(losses, name), 0) << name;
  // Four scenes: an in-domain anchor of z_c meets three negatives, one of z_d three other kinds.
  EXPECT_NEAR(meter(losses, "content_collapsed"), std::log(4), 1e-6);
  EXPECT_NEAR(meter(losses, "degradation_collapsed"), std::log(4), 1e-6);
  EXPECT_GE(meter(losses, "content_uniformity_spread"), 0);
  const auto bare = made(small({{"reconstruction", 0.0}, {"swap", 0.0}}));
  EXPECT_EQ(bare->losses(batch_of(4, 1), {}).terms.size(), 2U);
}

// L_dw of z_c, pair by pair from the codes: the domain is the kind, i % 4, the scene i / 4.
TEST(Dcodr, TheContrastOfContentEqualsItsDefinition) {
  constexpr double kTemperature = 0.3;
  constexpr std::int64_t kSide = 32;
  const auto method = made(small({{"temperature", kTemperature}}));
  const auto batch = batch_of(4, 1);
  const auto encoder =
      std::dynamic_pointer_cast<networks::DisentangledEncoder>(method->product().encoder);
  ASSERT_NE(encoder, nullptr);
  const at::NoGradGuard no_grad;
  const auto z = encoder->content(at::adaptive_avg_pool2d(batch.context, {kSide, kSide}));
  const auto copies = encoder->content(degraded_copies(batch.context, batch.seeds, 1, kSide));
  const auto count = z.size(0);
  const auto likeness = [&](const at::Tensor& a, const at::Tensor& b) {
    return (a.to(at::kDouble) * b.to(at::kDouble)).sum().item<double>() / kTemperature;
  };
  // With negatives of the domain of `like` that show another scene than i.
  const auto loss = [&](std::int64_t i, double positive, std::int64_t like) {
    double sum = std::exp(positive);
    for (std::int64_t a = 0; a < count; ++a)
      if (a % 4 == like % 4 && a / 4 != i / 4) sum += std::exp(likeness(z[i], z[a]));
    return std::log(sum) - positive;
  };
  double inside = 0;
  double across = 0;
  std::int64_t pairs = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    inside += loss(i, likeness(z[i], copies[i]), i) / static_cast<double>(count);
    for (std::int64_t j = i / 4 * 4; j < i / 4 * 4 + 4; ++j) {
      if (j == i) continue;
      const double positive = likeness(z[i], z[j]);
      across += 0.5 * (loss(i, positive, i) + loss(i, positive, j));
      ++pairs;
    }
  }
  across /= static_cast<double>(pairs);
  EXPECT_NEAR(term(method->losses(batch, {}), "content"), 0.5 * inside + 0.5 * across, 1e-5);
}

TEST(Dcodr, OrdinaryNegativesComeFromAllDomains) {
  const auto domain = made(small({{"content_positives", std::string("inside")}}));
  const auto all = made(
      small({{"content_positives", std::string("inside")}, {"negatives", std::string("all")}}));
  const auto batch = batch_of(4, 1);
  // Equal weights; twelve negatives instead of three can only raise the loss.
  EXPECT_GT(term(all->losses(batch, {}), "content"), term(domain->losses(batch, {}), "content"));
}

TEST(Dcodr, CodesAreOfOneLengthAndTheProductHoldsBoth) {
  const auto method = made(small());
  const auto product = method->product();
  EXPECT_EQ(product.restorer, nullptr);
  ASSERT_NE(product.encoder, nullptr);
  const auto layout = product.encoder->layout();
  ASSERT_EQ(layout.parts.size(), 2U);
  EXPECT_EQ(layout.parts[0].name, "content");
  EXPECT_EQ(layout.parts[1].name, "degradation");
  const at::NoGradGuard no_grad;
  const auto codes = networks::encode_pictures(*product.encoder, at::rand({2, 3, 150, 200}));
  EXPECT_TRUE(at::allclose(codes.narrow(1, 0, 16).norm(2, 1), at::ones({2}), 1e-4));
  EXPECT_TRUE(at::allclose(codes.narrow(1, 16, 8).norm(2, 1), at::ones({2}), 1e-4));
}

TEST(Dcodr, LearnsScenesInOneCodeAndDamageInTheOther) {
  const auto method = made(small());
  struct Found {
    double scene_by_content, kind_by_content, scene_by_degradation, kind_by_degradation;
  };
  const auto measured = [&] {
    const at::NoGradGuard no_grad;
    const auto batch = batch_of(24, 777);
    const auto codes = networks::encode_pictures(*method->product().encoder, batch.context);
    const auto kinds = batch.kinds.to(at::kLong).argmax(1);
    const auto same = [](const at::Tensor& labels) {
      return labels.unsqueeze(0).eq(labels.unsqueeze(1));
    };
    const auto other_kind = same(kinds).logical_not();
    const auto other_scene = same(batch.content).logical_not();
    const auto content = codes.narrow(1, 0, 16);
    const auto degradation = codes.narrow(1, 16, 8);
    return Found{losses::retrieval_at_one(content, batch.content, other_kind),
                 losses::retrieval_at_one(content, kinds, other_scene),
                 losses::retrieval_at_one(degradation, batch.content, other_kind),
                 losses::retrieval_at_one(degradation, kinds, other_scene)};
  };
  const Found before = measured();
  train(*method, 90);
  const Found after = measured();
  EXPECT_GT(after.scene_by_content, before.scene_by_content + 0.1);
  EXPECT_GT(after.scene_by_content, after.scene_by_degradation);
  EXPECT_GT(after.kind_by_degradation, 0.9);
  EXPECT_GT(after.kind_by_degradation, after.kind_by_content);
}

TEST(Dcodr, IsPureInTheSeedsOfTheSamples) {
  const auto method = made(small());
  const auto batch = batch_of(3, 1);
  const auto values = [&](const data::Batch& given) {
    std::vector<double> list;
    for (const auto& one : method->losses(given, {}).terms)
      list.push_back(one.value.item<double>());
    return list;
  };
  EXPECT_EQ(values(batch), values(batch));
  auto other = batch;
  for (auto& seed : other.seeds) seed += 100;
  EXPECT_NE(values(batch)[0], values(other)[0]);  // other augmentations
  EXPECT_NE(values(batch)[1], values(other)[1]);  // other crops
  other = batch;
  other.seeds[1] += 100;  // the second window of a scene is cut where the first one is
  EXPECT_EQ(values(batch)[1], values(other)[1]);
}

TEST(Dcodr, OfOnePictureLearnsItsDamageAndSaysThatContentHasNoNegatives) {
  const auto method = made(small({{"content_positives", std::string("inside")}}));
  Losses losses;
  for (std::int64_t step = 0; step < 4; ++step) {
    losses = method->losses(batch_of(1, 1), {.step = step});
    EXPECT_EQ(losses.remarks.size(), step == 0 ? 1U : 0U) << step;
  }
  EXPECT_EQ(term(losses, "content"), 0);
  EXPECT_GT(term(losses, "degradation"), 0);
  ASSERT_FALSE(losses.warnings.empty());
  EXPECT_NE(losses.warnings.front().find("content code: no negatives"), std::string::npos)
      << losses.warnings.front();
}

TEST(Dcodr, SaysThatIdenticalPicturesCannotBeToldApart) {
  const auto method = made(small());
  Losses losses;
  for (std::int64_t step = 0; step < 4; ++step)
    losses = method->losses(batch_of(4, 1, /*identical=*/true), {.step = step});
  EXPECT_TRUE(std::isfinite(term(losses, "content")));
  ASSERT_FALSE(losses.warnings.empty());
  EXPECT_EQ(losses.warnings.front().find("content code:"), 0U) << losses.warnings.front();
}

TEST(Dcodr, SaysHowBothCodesLieAndWhichDamageIsFound) {
  const auto losses = made(small())->losses(batch_of(4, 1), {});
  for (const std::string code : {"content", "degradation"}) {
    EXPECT_GE(meter(losses, code + "_alignment"), 0) << code;
    EXPECT_LT(meter(losses, code + "_uniformity"), 0) << code;
    EXPECT_GE(meter(losses, code + "_rank"), 1) << code;
    double mean = 0;
    for (const auto& kind : kKinds) mean += meter(losses, code + "_nearest_" + kind) / 4;
    EXPECT_NEAR(mean, meter(losses, code + "_nearest"), 1e-9) << code;
  }
}

TEST(Dcodr, NoticesThatAnEncoderCollapsed) {
  const auto method = made(small());
  {
    const at::NoGradGuard no_grad;
    auto parameters = method->state().named_parameters();
    for (const char* part : {"content", "degradation"}) {
      const std::string head = std::string("encoder.") + part + ".head.second.";
      parameters[head + "weight"].zero_();
      parameters[head + "bias"].fill_(1);
    }
  }
  Losses losses;
  for (std::int64_t step = 0; step < 4; ++step) {
    losses = method->losses(batch_of(4, 1), {.step = step});
    if (step < 3) {
      EXPECT_TRUE(losses.warnings.empty()) << step;
    }
  }
  ASSERT_EQ(losses.warnings.size(), 2U);
  EXPECT_NE(losses.warnings[0].find("content code: collapsed"), std::string::npos);
  EXPECT_NE(losses.warnings[1].find("degradation code: collapsed"), std::string::npos);
}

TEST(Dcodr, HeldOutBatchesLeaveNoTrace) {
  const auto method = made(small());
  const auto watch = method->state().named_buffers()["content_watch.in_a_row"].clone();
  const at::NoGradGuard no_grad;
  for (int i = 0; i < 3; ++i) method->losses(batch_of(4, 1, /*identical=*/true), {});
  EXPECT_TRUE(at::equal(watch, method->state().named_buffers()["content_watch.in_a_row"]));
}

TEST(Dcodr, LearnsStylesByKindWhereAskedTo) {
  const auto method = made(small({{"style", std::string("label")}}));
  auto styles = method->state().named_parameters()["styles"];
  EXPECT_EQ(styles.sizes(), (at::IntArrayRef{4, 8}));
  EXPECT_LE(styles.abs().max().item<double>(), 0.05);
  auto losses = method->losses(batch_of(4, 1), {});
  named_term(losses, "reconstruction").value.backward();
  EXPECT_GT(styles.grad().abs().min().item<double>(), 0);
}

TEST(Dcodr, WorksWithoutCleanPictures) {
  const auto method = made(small());
  auto batch = batch_of(4, 1);
  batch.target = at::Tensor();
  batch.context_target = at::Tensor();
  const auto losses = method->losses(batch, {});
  EXPECT_GT(term(losses, "content"), 0);
  EXPECT_EQ(term(losses, "swap"), 0);  // nobody shows the same window for certain
}

TEST(Dcodr, UnknownSeverityIsNeitherAlikeNorDistinct) {
  const auto method = made(small({{"degradation_positives", std::string("across")}}));
  auto batch = batch_of(4, 1);
  EXPECT_GT(term(method->losses(batch, {}), "degradation"), 0);
  batch.severities = at::where(batch.kinds, at::full_like(batch.severities, -1), batch.severities);
  EXPECT_EQ(term(method->losses(batch, {}), "degradation"), 0);  // no positives are left
}

// Four damages of one kind and four severities for every scene. What lies further apart than the
// reach is a negative of z_d: of 0.1 and 0.2 two, of 0.5 and 0.9 three, with a reach of 0.15.
TEST(Dcodr, SeverityReachSaysWhichDamagesAreAlike) {
  auto batch = batch_of(3, 1);
  batch.kinds = at::one_hot(at::ones({12}, at::kLong), 4).to(at::kBool);
  batch.severity = at::tensor({0.1F, 0.2F, 0.5F, 0.9F}).repeat({3});
  batch.severities = batch.kinds.to(at::kFloat) * batch.severity.unsqueeze(1);
  const auto collapsed = [&](double reach) {
    return meter(made(small({{"severity_reach", reach}}))->losses(batch, {}),
                 "degradation_collapsed");
  };
  EXPECT_NEAR(collapsed(0.05), std::log(4), 1e-6);
  EXPECT_NEAR(collapsed(0.15), (2 * std::log(3) + 2 * std::log(4)) / 4, 1e-6);
  EXPECT_NEAR(collapsed(0.35), (std::log(3) + std::log(2) + std::log(3) + std::log(4)) / 4, 1e-6);
}

// Half of the scenes are damaged strongly, half weakly: two bins of severity part the domains of
// z_c, all but that of the undamaged windows.
TEST(Dcodr, SeverityBinsPartTheDomainsOfContent) {
  auto batch = batch_of(4, 1);
  const auto strong = batch.content.ge(2);
  batch.severity = batch.severity.gt(0).to(at::kFloat) *
                   at::where(strong, at::full({16}, 0.8F), at::full({16}, 0.2F));
  batch.severities = batch.kinds.to(at::kFloat) * batch.severity.unsqueeze(1);
  const auto collapsed = [&](std::int64_t bins) {
    return meter(made(small({{"severity_bins", bins}}))->losses(batch, {}), "content_collapsed");
  };
  EXPECT_NEAR(collapsed(1), std::log(4), 1e-6);
  EXPECT_NEAR(collapsed(2), (std::log(4) + 3 * std::log(2)) / 4, 1e-6);
}

TEST(Dcodr, WeighsItsTermsAsAsked) {
  const auto method =
      made(small({{"degradation_weight", 0.25}, {"reconstruction", 0.5}, {"swap", 0.125}}));
  const auto losses = method->losses(batch_of(4, 1), {});
  std::map<std::string, double> weights;
  for (const auto& one : losses.terms) weights[one.name] = one.weight;
  EXPECT_EQ(weights,
            (std::map<std::string, double>{
                {"content", 1}, {"degradation", 0.25}, {"reconstruction", 0.5}, {"swap", 0.125}}));
}

TEST(Dcodr, RefusesOptionsAndDataThatDoNotFit) {
  EXPECT_CHIARO_ERROR(made(small({{"whole_px", std::int64_t{40}}})), Usage, "whole_px = 40");
  EXPECT_CHIARO_ERROR(made(small({{"view_px", std::int64_t{72}}})), Usage, "view_px = 72");
  EXPECT_CHIARO_ERROR(made(small({{"negatives", std::string("some")}})), Usage, "negatives");
  EXPECT_CHIARO_ERROR(
      dcodr().make({.network = nullptr, .tasks = {}, .seed = 1, .kinds = {"clean"}}, small()),
      Usage, "kinds of damage");
}

}  // namespace
}  // namespace chiaro::methods::dcodr_test
