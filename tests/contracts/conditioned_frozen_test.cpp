// A conditioned restorer: both graphs frozen = trained, at every size and number of views.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <array>

#include "chiaro/engine/engine.h"
#include "chiaro/freeze/freeze.h"
#include "chiaro/networks/controller.h"
#include "chiaro/networks/path_conditioner.h"
#include "chiaro/networks/text_table.h"
#include "tests/contracts/kept_vectors.h"
#include "tests/support/expect_error.h"

namespace chiaro::freeze::conditioned_frozen_test {
namespace {

using List = std::vector<std::int64_t>;

constexpr double kTolerance = 1e-4;
constexpr std::int64_t kEmbedding = 8;

struct Pair {
  std::shared_ptr<networks::Network> network;
  std::shared_ptr<networks::Controller> controller;
};

/// Small, and as after some training.
Pair awake_pair() {
  torch::manual_seed(3);
  Pair pair;
  pair.network = networks::make("mmf_unet", {{"channels", List{8, 12, 16}},
                                             {"encoder_blocks", List{1, 1}},
                                             {"middle_blocks", std::int64_t{1}},
                                             {"decoder_blocks", List{1, 1}},
                                             {"types", std::int64_t{3}},
                                             {"embedding", kEmbedding}});
  pair.controller = std::make_shared<networks::Controller>(
      networks::ControllerOptions{
          .width = 4, .hidden = 16, .embedding = kEmbedding, .view_px = 32, .whole_px = 48},
      std::vector<std::string>{"clean", "noise", "rain"}, std::vector<std::string>{"a", "b"},
      networks::simplex_table(3));
  const at::NoGradGuard no_grad;
  for (auto& parameter : pair.network->parameters())
    parameter.add_(at::randn_like(parameter), 0.05);
  return pair;
}

bundle::Bundle frozen(const Pair& pair) {
  bundle::Manifest manifest;
  manifest.name = "conditioned";
  manifest.network = "mmf_unet";
  manifest.condition.emplace();
  manifest.condition->novelty_threshold = 0.7;
  return freeze(*pair.network, manifest, {}, pair.controller.get());
}

engine::Tensor plain(const at::Tensor& tensor) {
  const at::Tensor values = tensor.contiguous();
  const float* first = values.data_ptr<float>();
  return {values.sizes().vec(), {first, first + values.numel()}};
}

void expect_equal(const engine::Tensor& got, const at::Tensor& expected, const char* what) {
  const engine::Tensor wanted = plain(expected);
  ASSERT_EQ(got.shape, wanted.shape) << what;
  for (std::size_t i = 0; i < wanted.values.size(); ++i)
    ASSERT_NEAR(got.values[i], wanted.values[i], kTolerance) << what << " " << i;
}

TEST(ConditionedFrozen, ControllerEqualsTrained) {
  const Pair pair = awake_pair();
  const bundle::Bundle made = frozen(pair);
  engine::Engine engine(made.member(bundle::kConditionMember),
                        {.precision = engine::Precision::F32}, "condition.onnx");
  const at::NoGradGuard no_grad;
  pair.controller->eval();
  const std::array<std::array<std::int64_t, 3>, 4> sizes = {
      {{1, 48, 48}, {4, 16, 48}, {9, 48, 32}, {2, 32, 16}}};
  for (const auto& [views, height, width] : sizes) {
    const auto native = at::rand({views, 3, 32, 32});
    const auto whole = at::rand({1, 3, height, width});
    const auto expected = pair.controller->diagnose(native.unsqueeze(0), whole);
    const auto got = engine.run_by_name({{"views", plain(native)}, {"whole", plain(whole)}});
    expect_equal(got.at("condition"), expected.code, "condition");
    expect_equal(got.at("novelty"), expected.novelty, "novelty");
    expect_equal(got.at("domain"), expected.domain, "domain");
  }
}

// For ONNX Runtime, where the number of views is free as well.
TEST(ConditionedFrozen, IsLeftWithVectorsOfManySizes) {
  const Pair pair = awake_pair();
  const bundle::Bundle made = frozen(pair);
  const at::NoGradGuard no_grad;
  pair.controller->eval();
  pair.network->eval();
  const std::array<std::array<std::int64_t, 3>, 3> sizes = {
      {{1, 48, 48}, {4, 16, 48}, {9, 32, 16}}};
  KeptVectors vectors;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const auto [count, height, width] = sizes[i];
    const auto index = static_cast<int>(i);
    const auto views = at::rand({count, 3, 32, 32});
    const auto whole = at::rand({1, 3, height, width});
    const auto input = at::rand({count, 3, height, width});
    const auto code = pair.controller->diagnose(views.unsqueeze(0), whole).code;
    vectors.keep(bundle::condition_test_name(index, "views"), views);
    vectors.keep(bundle::condition_test_name(index, "whole"), whole);
    vectors.keep(bundle::condition_test_name(index, "condition"), code);
    vectors.keep(bundle::self_test_name(index, "input"), input);
    vectors.keep(bundle::self_test_name(index, "condition"), code);
    vectors.keep(bundle::self_test_name(index, "output"), pair.network->forward(input, {code}));
  }
  vectors.leave("conditioned", made);
}

using Shape = std::vector<std::int64_t>;

/// Bytes for each pixel of a picture.
double work_bytes_of(const bundle::Bundle& made) {
  constexpr std::int64_t kSide = 512;
  engine::Engine engine(made.member(bundle::kRestoreMember), {.precision = engine::Precision::Bf16},
                        "restore.onnx");
  std::vector<engine::NamedShape> shapes;
  for (const auto& name : engine.input_names()) {
    const bool picture = engine.stated_input_shape(name).size() == 4;
    shapes.push_back({name, picture ? Shape{1, 3, kSide, kSide} : Shape{1, 6 + kEmbedding}});
  }
  return static_cast<double>(engine.work_bytes(shapes)) / (kSide * kSide);
}

// What is told to the features is written over them. The rest is attention, at a quarter of the
// side.
TEST(ConditionedFrozen, BeingToldTakesNoMemory) {
  const Pair pair = awake_pair();
  bundle::Manifest manifest;
  manifest.name = "untold";
  manifest.network = "mmf_unet";
  const auto untold = networks::make("mmf_unet", {{"channels", List{8, 12, 16}},
                                                  {"encoder_blocks", List{1, 1}},
                                                  {"middle_blocks", std::int64_t{1}},
                                                  {"decoder_blocks", List{1, 1}},
                                                  {"wiring", std::string("none")}});
  EXPECT_LT(work_bytes_of(frozen(pair)), 1.1 * work_bytes_of(freeze(*untold, manifest, {})));
}

/// Goes by a tree of 5 and 2 prototypes instead.
networks::PathConditionerOptions path_options(networks::Telling telling) {
  return {.encoder = {4, 16, {.dimension = 4, .view_px = 32}},
          .prototypes = {5, 2},
          .telling = telling};
}

std::shared_ptr<networks::PathConditioner> planted(networks::Telling telling) {
  torch::manual_seed(5);
  auto conditioner = std::make_shared<networks::PathConditioner>(
      path_options(telling), std::vector<std::string>{"clean", "noise", "rain"});
  const auto codes = at::randn({30, 4});
  const auto kind = at::arange(30, at::kLong) % 3;
  conditioner->tree().build(
      codes / codes.norm(2, 1, true),
      at::cat({at::one_hot(kind, 3).to(at::kFloat), 0.4 * kind.to(at::kFloat).unsqueeze(1)}, 1), 1);
  return conditioner;
}

TEST(ConditionedFrozen, SoftPathEqualsTrained) {
  for (const auto telling : {networks::Telling::Path, networks::Telling::Code}) {
    const Pair pair = awake_pair();
    const auto conditioner = planted(telling);
    bundle::Manifest manifest;
    manifest.name = "path";
    manifest.network = "mmf_unet";
    manifest.condition.emplace();
    manifest.condition->novelty_threshold = 0.7;
    const bundle::Bundle made = freeze(*pair.network, manifest, {}, conditioner.get());
    EXPECT_EQ(made.manifest.condition->width(), 6 + kEmbedding);
    EXPECT_EQ(made.manifest.condition->view_px, 32);
    engine::Engine engine(made.member(bundle::kConditionMember),
                          {.precision = engine::Precision::F32}, "condition.onnx");
    const at::NoGradGuard no_grad;
    for (const std::int64_t views : {1, 4, 9}) {
      const auto native = at::rand({views, 3, 32, 32});
      const auto whole = at::rand({1, 3, 16, 16});
      const auto expected = conditioner->diagnose(native.unsqueeze(0), whole);
      const auto got = engine.run_by_name({{"views", plain(native)}, {"whole", plain(whole)}});
      expect_equal(got.at("condition"), expected.code, "condition");
      expect_equal(got.at("novelty"), expected.novelty, "novelty");
    }
    networks::PathConditioner other(path_options(telling), {"clean", "noise", "rain"});
    thaw(made, other);  // encoder and tree
    const auto native = at::rand({1, 2, 3, 32, 32});
    const auto whole = at::rand({1, 3, 16, 16});
    EXPECT_TRUE(
        at::equal(other.diagnose(native, whole).code, conditioner->diagnose(native, whole).code));
  }
}

TEST(ConditionedFrozen, RestorerEqualsTrainedUnderOneConditionForAll) {
  const Pair pair = awake_pair();
  const bundle::Bundle made = frozen(pair);
  engine::Engine engine(made.member(bundle::kRestoreMember), {.precision = engine::Precision::F32},
                        "restore.onnx");
  const at::NoGradGuard no_grad;
  pair.network->eval();
  const std::array<std::array<std::int64_t, 3>, 3> sizes = {
      {{1, 16, 16}, {2, 20, 48}, {1, 64, 36}}};
  for (const auto& [batch, height, width] : sizes) {
    const auto x = at::rand({batch, 3, height, width});
    const auto code = at::rand({1, 6 + kEmbedding});
    const auto got = engine.run_by_name({{"input", plain(x)}, {"condition", plain(code)}});
    expect_equal(got.at("output"), pair.network->forward(x, {code}), "output");
    EXPECT_GT(
        (pair.network->forward(x, {code}) - pair.network->forward(x)).abs().max().item<double>(),
        1e-3)
        << "the condition is asleep";
  }
}

TEST(ConditionedFrozen, ManifestSaysWhatTheControllerIs) {
  const bundle::Bundle made = frozen(awake_pair());
  ASSERT_TRUE(made.manifest.condition.has_value());
  const bundle::ConditionInfo& info = *made.manifest.condition;
  EXPECT_EQ(info.types, (std::vector<std::string>{"clean", "noise", "rain"}));
  EXPECT_EQ(info.domains, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(info.width(), 6 + kEmbedding);
  EXPECT_EQ(info.view_px, 32);
  EXPECT_DOUBLE_EQ(info.novelty_threshold, 0.7);
  EXPECT_EQ(info.text_table_sha256.size(), 64u);
}

TEST(ConditionedFrozen, ThawsBothParts) {
  const Pair pair = awake_pair();
  const bundle::Bundle made = frozen(pair);
  torch::manual_seed(99);
  Pair other = awake_pair();
  const at::NoGradGuard no_grad;
  for (auto& parameter : other.controller->parameters()) parameter.zero_();
  for (auto& parameter : other.network->parameters()) parameter.zero_();
  thaw(made, *other.network);
  thaw(made, *other.controller);
  for (const auto& entry : pair.controller->named_parameters())
    EXPECT_TRUE(at::equal(entry.value(), other.controller->named_parameters()[entry.key()]));
  for (const auto& entry : pair.network->named_parameters())
    EXPECT_TRUE(at::equal(entry.value(), other.network->named_parameters()[entry.key()]));
}

TEST(ConditionedFrozen, AControllerGoesOnWithItsOwnTextTable) {
  Pair pair = awake_pair();
  const bundle::Bundle made = frozen(pair);
  const at::NoGradGuard no_grad;
  at::Tensor table = pair.controller->named_buffers()["table"];
  const at::Tensor own = table.clone();
  table.add_(1e-4);  // as far off as a bundle with half weights may have it
  thaw(made, *pair.controller);
  EXPECT_TRUE(at::equal(table, own + 1e-4));
  table.copy_(own.roll(1, 0));
  pair.controller->parameters().front().zero_();
  EXPECT_CHIARO_ERROR(thaw(made, *pair.controller), Bundle, "another text table");
  EXPECT_EQ(pair.controller->parameters().front().abs().max().item<double>(), 0);
}

TEST(ConditionedFrozen, HalfWeightsHalveTheFileAndEqualTheRoundedNetwork) {
  const Pair pair = awake_pair();
  const std::size_t whole = frozen(pair).member(bundle::kRestoreMember).size();
  const std::string large = "encoder0.0.conv1.weight";
  const at::Tensor before = pair.network->named_parameters()[large].clone();
  bundle::Manifest manifest;
  manifest.name = "half";
  manifest.network = "mmf_unet";
  const bundle::Bundle made =
      freeze(*pair.network, manifest, {}, pair.controller.get(), /*half_weights=*/true);
  EXPECT_LT(made.member(bundle::kRestoreMember).size(), 0.75 * static_cast<double>(whole));
  EXPECT_FALSE(at::equal(before, pair.network->named_parameters()[large]));
  const at::NoGradGuard no_grad;
  pair.network->eval();
  engine::Engine engine(made.member(bundle::kRestoreMember), {.precision = engine::Precision::F32},
                        "restore.onnx");
  const auto x = at::rand({1, 3, 32, 32});
  const auto code = at::rand({1, 6 + kEmbedding});
  expect_equal(engine.run_by_name({{"input", plain(x)}, {"condition", plain(code)}}).at("output"),
               pair.network->forward(x, {code}), "output");
  Pair thawed = awake_pair();
  for (auto& parameter : thawed.network->parameters()) parameter.zero_();
  thaw(made, *thawed.network);
  EXPECT_TRUE(at::equal(thawed.network->forward(x, {code}), pair.network->forward(x, {code})));
}

TEST(ConditionedFrozen, HalfWeightsRefuseWhatTheyCannotHold) {
  const Pair pair = awake_pair();
  const at::NoGradGuard no_grad;
  pair.network->named_parameters()["encoder0.0.conv1.weight"][0][0][0][0] = 1e6;
  bundle::Manifest manifest;
  manifest.name = "half";
  manifest.network = "mmf_unet";
  EXPECT_CHIARO_ERROR(freeze(*pair.network, manifest, {}, nullptr, true), Usage, "float16");
}

}  // namespace
}  // namespace chiaro::freeze::conditioned_frozen_test
