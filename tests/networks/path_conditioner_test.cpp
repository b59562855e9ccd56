#include "chiaro/networks/path_conditioner.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>
#include <numbers>

#include "tests/support/expect_error.h"

namespace chiaro::networks::path_conditioner_test {
namespace {

constexpr double kDegree = std::numbers::pi / 180;

PathConditionerOptions planar(Telling telling) {
  return {
      .encoder = {4, 8, {.dimension = 2, .view_px = 16}}, .prototypes = {2, 1}, .telling = telling};
}

/// Prototypes at −30° (half of the members noisy) and at +30° (all of them), and one above both, at
/// 0°. Members lie on their centroids, so all temperatures are 0.2.
std::shared_ptr<PathConditioner> made(Telling telling = Telling::Path) {
  torch::manual_seed(4);
  auto conditioner = std::make_shared<PathConditioner>(planar(telling),
                                                       std::vector<std::string>{"clean", "noise"});
  const double c = std::cos(30 * kDegree);
  const double s = std::sin(30 * kDegree);
  const auto low = at::tensor({c, -s}).to(at::kFloat).expand({2, 2});
  const auto high = at::tensor({c, s}).to(at::kFloat).expand({2, 2});
  const auto attributes = at::tensor({1.0, 0.0, 0.2,  // clean, noise, severity
                                      0.0, 1.0, 0.2,  //
                                      0.0, 1.0, 0.6,  //
                                      0.0, 1.0, 0.6})
                              .view({4, 3})
                              .to(at::kFloat);
  conditioner->tree().build(at::cat({low, high}), attributes, 1);
  return conditioner;
}

at::Tensor views(std::int64_t pictures, std::int64_t count) {
  torch::manual_seed(9);
  return at::rand({pictures, count, 3, 16, 16}) *
         at::rand({pictures, 1, 3, 1, 1});  // pictures of several colours
}

/// What the formulas say of a code, worked out number by number.
std::vector<double> expected_code(double x, double y, Telling telling) {
  const double c = std::cos(30 * kDegree);
  const double s = std::sin(30 * kDegree);
  const double low = std::exp((x * c - y * s) / 0.2);
  const double high = std::exp((x * c + y * s) / 0.2);
  const double w = high / (low + high);
  const double noise = 0.5 * (1 - w) + w;
  std::vector<double> code = {0.5 * (1 - w), noise, 0.2, (0.5 * (1 - w) * 0.2 + w * 0.6) / noise};
  if (telling == Telling::Path) {
    code.insert(code.end(), {c, (2 * w - 1) * s, 1, 0});
  } else {
    code.insert(code.end(), {x, y, 0, 0});
  }
  return code;
}

TEST(PathConditioner, SaysWhatTheFormulasSay) {
  for (const Telling telling : {Telling::Path, Telling::Code}) {
    const auto conditioner = made(telling);
    const at::NoGradGuard no_grad;
    const auto native = views(3, 4);
    const Diagnosis found = conditioner->diagnose(native, at::zeros({3, 3, 16, 16}));
    ASSERT_EQ(found.code.sizes(), (at::IntArrayRef{3, 8}));
    ASSERT_EQ(found.novelty.sizes(), (at::IntArrayRef{3, 1}));
    EXPECT_TRUE(at::equal(found.domain, at::ones({3, 1})));
    for (std::int64_t i = 0; i < 3; ++i) {
      const auto mean = conditioner->encoder().encode(native[i]).to(at::kDouble).mean(0);
      const auto z = mean / mean.norm();
      const double x = z[0].item<double>();
      const double y = z[1].item<double>();
      const auto wanted = expected_code(x, y, telling);
      for (std::int64_t k = 0; k < 8; ++k)
        EXPECT_NEAR(found.code[i][k].item<double>(), wanted[static_cast<std::size_t>(k)], 1e-5)
            << i << " " << k;
      const double nearest = x * std::cos(30 * kDegree) + std::abs(y) * std::sin(30 * kDegree);
      EXPECT_NEAR(found.novelty[i][0].item<double>(), 1 - nearest, 1e-5) << i;
    }
  }
}

TEST(PathConditioner, TheEmbeddingIsTheSoftPathOfTheTree) {
  const auto conditioner = made();
  const at::NoGradGuard no_grad;
  const auto native = views(2, 1);
  const auto codes = conditioner->encoder().encode(native.squeeze(1));
  const auto code = conditioner->diagnose(native, at::zeros({2, 3, 16, 16})).code;
  EXPECT_TRUE(at::allclose(code.narrow(1, 4, 4), conditioner->tree().soft_path(codes), 1e-5, 1e-6));
}

TEST(PathConditioner, DescribesItsCondition) {
  const ConditionLayout layout = made()->layout();
  EXPECT_EQ(layout.types, (std::vector<std::string>{"clean", "noise"}));
  EXPECT_EQ(layout.embedding, 4);
  EXPECT_EQ(layout.view_px, 16);
  EXPECT_TRUE(layout.domains.empty());
}

TEST(PathConditioner, GoesByNothingElse) {
  const PathConditioner empty(planar(Telling::Path), {"clean", "noise"});
  EXPECT_CHIARO_ERROR(empty.check_tree(), Usage, "--from");
  PathConditioner asked(planar(Telling::Path), {"clean", "noise"});
  EXPECT_CHIARO_ERROR(asked.diagnose(views(1, 1), at::zeros({1, 3, 16, 16})), Usage,
                      "no encoder of damage");
}

}  // namespace
}  // namespace chiaro::networks::path_conditioner_test
