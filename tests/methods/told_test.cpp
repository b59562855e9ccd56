#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>
#include <map>

#include "chiaro/methods/catalogue.h"
#include "chiaro/networks/path_conditioner.h"
#include "tests/support/expect_error.h"

namespace chiaro::methods::told_test {
namespace {

using List = std::vector<std::int64_t>;

const std::vector<std::string> kToldKinds = {"clean", "noise", "rain"};
constexpr std::int64_t kNamed = 6;      // probabilities and severities
constexpr std::int64_t kEmbedding = 8;  // two levels of four values

Setting setting_of(std::int64_t types = 3, std::int64_t embedding = kEmbedding) {
  torch::manual_seed(7);
  return {.network = networks::make("mmf_unet", {{"channels", List{4, 8}},
                                                 {"encoder_blocks", List{1}},
                                                 {"middle_blocks", std::int64_t{1}},
                                                 {"decoder_blocks", List{1}},
                                                 {"types", types},
                                                 {"embedding", embedding}}),
          .tasks = {"t"},
          .seed = 11,
          .kinds = kToldKinds};
}

OptionTable options_of(const OptionTable& extra = {}) {
  OptionTable options = {{"width", std::int64_t{4}},
                         {"hidden", std::int64_t{8}},
                         {"dimension", std::int64_t{4}},
                         {"prototypes", List{4, 2}},
                         {"view_px", std::int64_t{16}},
                         {"loss", std::string("l1")},
                         {"drop", 0.0},
                         {"truth", 0.0}};
  for (const auto& [key, value] : extra) options[key] = value;
  return options;
}

networks::PathConditioner& conditioner_of(Method& method) {
  return dynamic_cast<networks::PathConditioner&>(*method.product().conditioner);
}

/// Four kinds of members that lie where the encoder's codes may.
void plant_tree(Method& method) {
  torch::manual_seed(3);
  const auto codes = at::randn({24, 4});
  const auto kind = at::arange(24, at::kLong) % 3;
  const auto severity = (0.3 * kind.to(at::kFloat)).unsqueeze(1);
  conditioner_of(method).tree().build(codes / codes.norm(2, 1, true),
                                      at::cat({at::one_hot(kind, 3).to(at::kFloat), severity}, 1),
                                      1);
}

/// The network is moved away from its start, where it does not heed the condition.
std::unique_ptr<Method> made(const OptionTable& extra = {}) {
  const Setting setting = setting_of();
  auto method = told().make(setting, options_of(extra));
  if (method->product().conditioner) plant_tree(*method);
  torch::manual_seed(8);
  const at::NoGradGuard no_grad;
  for (auto& parameter : setting.network->parameters())
    parameter.add_(at::randn_like(parameter), 0.05);
  return method;
}

data::Batch batch() {
  torch::manual_seed(5);
  data::Batch made;
  const std::int64_t n = 6;
  made.context_target = at::rand({n, 3, 40, 40});
  made.context =
      (made.context_target + 0.1 * at::randn({n, 3, 40, 40})).clamp(0, 1) * at::rand({n, 3, 1, 1});
  made.input = made.context.narrow(2, 4, 16).narrow(3, 8, 16);
  made.target = made.context_target.narrow(2, 4, 16).narrow(3, 8, 16);
  made.kinds = at::eye(3, at::kBool).repeat({2, 1});
  made.severities = made.kinds.to(at::kFloat) * 0.5;
  made.severities[1][1] = -1;  // unknown
  made.content = at::arange(6, at::kLong);
  for (std::uint64_t i = 0; i < 6; ++i) made.seeds.push_back(100 + i);
  return made;
}

double loss_of(Method& method) {
  return method.losses(batch(), {}).terms.at(0).value.item<double>();
}

at::Tensor condition_of(const char* condition, bool names = true) {
  return made({{"condition", std::string(condition)}, {"names", names}})->condition(batch());
}

TEST(Told, TeachesTheRestorerAndNotTheEncoder) {
  const auto method = made();
  const auto losses = method->losses(batch(), {});
  ASSERT_EQ(losses.terms.size(), 1U);
  EXPECT_EQ(losses.terms[0].name, "l1");
  losses.terms[0].value.backward();
  std::map<std::string, bool> learns;
  for (const auto& entry : method->state().named_parameters()) {
    const std::string part = entry.key().substr(0, entry.key().find('.'));
    const auto& grad = entry.value().grad();
    learns[part] |= grad.defined() && grad.abs().max().item<double>() > 0;
  }
  EXPECT_EQ(learns, (std::map<std::string, bool>{{"conditioner", false}, {"network", true}}));
  EXPECT_EQ(method->trainable("train").size(), method->product().restorer->parameters().size());
}

TEST(Told, KeepsEncoderAndTreeInItsState) {
  const auto method = made();
  const auto buffers = method->state().named_buffers();
  EXPECT_TRUE(at::equal(buffers["conditioner.tree.centroids0"].narrow(0, 0, 4),
                        conditioner_of(*method).tree().centroids(0)));
  EXPECT_NE(method->state().named_parameters().find("conditioner.encoder.head.first.weight"),
            nullptr);
}

TEST(Told, TellsWhatTheOptionSays) {
  const auto path = condition_of("path");
  ASSERT_EQ(path.sizes(), (at::IntArrayRef{6, kNamed + kEmbedding}));
  const auto method = made();
  auto& conditioner = conditioner_of(*method);
  const at::NoGradGuard no_grad;
  const auto views = networks::cut_views(batch().context, conditioner.layout());
  EXPECT_TRUE(at::equal(path, conditioner.diagnose(views.native, views.whole).code));
  EXPECT_TRUE(at::allclose(path.narrow(1, 0, 3).sum(1), at::ones({6}), 1e-5));

  const auto unnamed = condition_of("path", /*names=*/false);
  EXPECT_EQ(unnamed.narrow(1, 0, kNamed).abs().max().item<double>(), 0);
  EXPECT_TRUE(at::equal(unnamed.narrow(1, kNamed, kEmbedding), path.narrow(1, kNamed, kEmbedding)));

  const auto code = condition_of("code").narrow(1, kNamed, kEmbedding);
  EXPECT_TRUE(at::allclose(code.norm(2, 1), at::ones({6}), 1e-5));
  EXPECT_EQ(code.narrow(1, 4, 4).abs().max().item<double>(), 0);

  const auto shuffled = condition_of("shuffled");
  for (std::int64_t i = 0; i < 6; ++i) {
    EXPECT_FALSE(at::equal(shuffled[i], path[i])) << i;
    EXPECT_TRUE(path.eq(shuffled[i]).all(1).any().item<bool>()) << i;
  }
  EXPECT_FALSE(condition_of("none").defined());

  const auto truth = condition_of("oracle");
  EXPECT_TRUE(at::equal(truth.narrow(1, 0, 3), batch().kinds.to(at::kFloat)));
  EXPECT_EQ(truth[1][4].item<double>(), 0.5);  // where it is unknown
  EXPECT_EQ(truth.narrow(1, kNamed, kEmbedding).abs().max().item<double>(), 0);
}

TEST(Told, AtTimesItIsToldNothingOrTheTruth) {
  const double nothing = loss_of(*made({{"condition", std::string("none")}}));
  const double path = loss_of(*made());
  const double truth = loss_of(*made({{"condition", std::string("oracle")}}));
  EXPECT_GT(std::abs(path - nothing), 1e-5);
  EXPECT_GT(std::abs(path - truth), 1e-5);
  EXPECT_NEAR(loss_of(*made({{"drop", 1.0}})), nothing, 1e-6);
  EXPECT_NEAR(loss_of(*made({{"truth", 1.0}})), truth, 1e-6);
  // Who is told no names hears no label in training either.
  EXPECT_EQ(loss_of(*made({{"names", false}, {"truth", 1.0}})),
            loss_of(*made({{"names", false}, {"truth", 0.0}})));
  const double both = loss_of(*made({{"drop", 0.5}, {"truth", 0.25}}));
  EXPECT_NE(both, nothing);
  EXPECT_NE(both, path);
}

TEST(Told, WithoutATreeItStopsInOneSentence) {
  const auto method = told().make(setting_of(), options_of());
  EXPECT_CHIARO_ERROR(method->losses(batch(), {}), Usage, "--from");
  EXPECT_CHIARO_ERROR(method->condition(batch()), Usage, "no encoder of damage");
  // What needs none does without.
  for (const char* condition : {"none", "oracle"})
    EXPECT_TRUE(std::isfinite(loss_of(*made({{"condition", std::string(condition)}}))));
}

TEST(Told, RefusesWhatDoesNotFit) {
  EXPECT_CHIARO_ERROR(told().make(setting_of(5), options_of()), Usage, "types = 3");
  EXPECT_CHIARO_ERROR(told().make(setting_of(3, 16), options_of()), Usage, "embedding = 8");
  Setting other = setting_of();
  other.network = networks::make("dncnn", {});
  EXPECT_CHIARO_ERROR(told().make(other, options_of()), Usage, "mmf_unet");
  other.kinds = {"clean"};
  EXPECT_CHIARO_ERROR(told().make(other, options_of()), Usage, "at least one damage");
}

TEST(Told, OnlyWhatABundleCanTellIsFrozen) {
  const auto frozen = [](const char* condition, bool names) {
    Setting setting = setting_of();
    setting.inference_only = true;
    return told().make(setting,
                       options_of({{"condition", std::string(condition)}, {"names", names}}));
  };
  EXPECT_NE(frozen("path", true)->product().conditioner, nullptr);
  EXPECT_NE(frozen("code", true)->product().conditioner, nullptr);
  EXPECT_EQ(frozen("none", true)->product().conditioner, nullptr);
  EXPECT_CHIARO_ERROR(frozen("path", false), Usage, "names = true");
  EXPECT_CHIARO_ERROR(frozen("shuffled", true), Usage, "condition = \"shuffled\"");
  EXPECT_CHIARO_ERROR(frozen("oracle", true), Usage, "comparison");
}

}  // namespace
}  // namespace chiaro::methods::told_test
