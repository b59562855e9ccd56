#include "chiaro/networks/controller.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>

#include "chiaro/networks/text_table.h"
#include "tests/support/expect_error.h"

namespace chiaro::networks::controller_test {
namespace {

const std::vector<std::string> kKinds = {"clean", "noise", "rain"};

std::shared_ptr<Controller> small() {
  torch::manual_seed(4);
  return std::make_shared<Controller>(
      ControllerOptions{.width = 4, .hidden = 16, .embedding = 12, .view_px = 16, .whole_px = 16},
      kKinds, std::vector<std::string>{"a", "b"}, simplex_table(3));
}

TEST(Controller, SaysProbabilitiesSeveritiesAndUnitEmbeddings) {
  const auto controller = small();
  const auto found = controller->diagnose(at::rand({2, 3, 3, 16, 16}), at::rand({2, 3, 16, 32}));
  ASSERT_EQ(found.code.sizes(), (at::IntArrayRef{2, 2 * 3 + 12}));
  EXPECT_TRUE(at::allclose(found.code.narrow(1, 0, 3).sum(1), at::ones({2})));
  EXPECT_GE(found.code.narrow(1, 3, 3).min().item<double>(), 0);
  EXPECT_LE(found.code.narrow(1, 3, 3).max().item<double>(), 1);
  for (const std::int64_t start : {6, 12})
    EXPECT_TRUE(at::allclose(found.code.narrow(1, start, 6).norm(2, 1), at::ones({2}), 0, 1e-5));
  EXPECT_TRUE(at::allclose(found.domain.sum(1), at::ones({2})));
  ASSERT_EQ(found.novelty.sizes(), (at::IntArrayRef{2, 1}));
  const auto cosine = at::matmul(found.code.narrow(1, 6, 6), controller->prototypes().t());
  EXPECT_TRUE(at::allclose(found.novelty, 1 - cosine.amax(1, true), 0, 1e-6));
}

TEST(Controller, ViewsAreAveraged) {
  const auto controller = small();
  const auto whole = at::rand({1, 3, 16, 16});
  const auto a = at::rand({1, 1, 3, 16, 16});
  const auto b = at::rand({1, 1, 3, 16, 16});
  const auto code = [&](const std::vector<at::Tensor>& views) {
    return controller->diagnose(at::cat(views, 1), whole).code;
  };
  EXPECT_TRUE(at::allclose(code({a, b}), code({b, a}), 0, 1e-6));
  EXPECT_TRUE(at::allclose(code({a, b}), code({a, b, a, b}), 0, 1e-6));
  EXPECT_FALSE(at::allclose(code({a, b}), code({a, a}), 0, 1e-6));
}

TEST(Controller, SeesNoiseInTheDeviationOfFlatViews) {
  // The same mean everywhere: only deviations can tell the two apart.
  const auto controller = small();
  const auto flat = at::full({1, 1, 3, 16, 16}, 0.5);
  const auto noisy = flat + 0.1 * at::randn_like(flat);
  const auto whole = at::full({1, 3, 16, 16}, 0.5);
  const auto difference =
      controller->features(flat, whole).damage - controller->features(noisy, whole).damage;
  EXPECT_GT(difference.abs().max().item<double>(), 0.05);
}

/// Deviations of the three channels behind the fixed high-pass, as the towers pool them beside the
/// pixels' own: mean (N). The first twelve statistics are means, then deviations of the six inputs.
at::Tensor detail_of(const at::Tensor& pictures) {
  nn::StatisticsTower tower(4);
  return tower.forward(pictures).narrow(1, 9, 3).mean(1);
}

/// Soft waves with the faint grain of any photo; the second half of the pictures is noisy.
at::Tensor grainy_pictures(std::int64_t count) {
  const auto x = at::linspace(0, 1, 64).view({1, 1, 1, 64});
  const auto y = at::linspace(0, 1, 64).view({1, 1, 64, 1});
  const auto draw = [&](double most) { return most * at::rand({count, 3, 1, 1}); };
  const auto waves =
      0.5 + 0.2 * (draw(10) * x + draw(10) * y).sin() + 0.1 * (draw(20) * x - draw(20) * y).cos();
  const auto noisy = at::arange(count).ge(count / 2).to(at::kFloat).view({count, 1, 1, 1});
  const auto grain = 0.01 * at::rand({count, 1, 1, 1}) + 0.03 * noisy;
  return waves + grain * at::randn({count, 3, 64, 64});
}

/// How often the best threshold is right that calls the second half noisy.
double best_accuracy(const at::Tensor& values) {
  const auto count = values.size(0);
  const auto noisy = at::arange(count).ge(count / 2);
  const auto called = values.unsqueeze(0).ge(values.unsqueeze(1));  // by every threshold
  return called.eq(noisy).to(at::kDouble).mean(1).max().item<double>();
}

TEST(Controller, TheHighPassMeasuresNoise) {
  torch::manual_seed(5);
  // Weights 1 and eight times −1/8, times 4: 4σ·√(1 + 8/64).
  const auto noise = 0.5 + 0.03 * at::randn({8, 3, 64, 64});
  const at::NoGradGuard no_grad;
  EXPECT_NEAR(detail_of(noise).mean().item<double>(), 4 * 0.03 * std::sqrt(1.125), 0.002);
}

// Why views are native: reducing a picture first averages the noise away, and what is left of it
// is less than what edges look like by then.
TEST(Controller, ReducedPicturesHideTheNoise) {
  torch::manual_seed(5);
  const at::NoGradGuard no_grad;
  const auto pictures = grainy_pictures(400);
  const double native = best_accuracy(detail_of(pictures));
  const double reduced = best_accuracy(detail_of(at::adaptive_avg_pool2d(pictures, {16, 16})));
  EXPECT_GT(native, 0.99);
  EXPECT_LT(reduced, 0.75);
}

TEST(Controller, RefusesATableOfAnotherSize) {
  EXPECT_CHIARO_ERROR(Controller({}, kKinds, {}, simplex_table(4)), Usage, "4 rows");
  EXPECT_CHIARO_ERROR(Controller({.embedding = 5}, kKinds, {}, simplex_table(3)), Usage,
                      "even number");
}

}  // namespace
}  // namespace chiaro::networks::controller_test
