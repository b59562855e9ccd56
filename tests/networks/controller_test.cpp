#include "chiaro/networks/controller.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "chiaro/networks/text_table.h"
#include "tests/support/expect_error.h"

namespace chiaro::networks {
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

TEST(Controller, RefusesATableOfAnotherSize) {
  EXPECT_CHIARO_ERROR(Controller({}, kKinds, {}, simplex_table(4)), Usage, "4 rows");
  EXPECT_CHIARO_ERROR(Controller({.embedding = 5}, kKinds, {}, simplex_table(3)), Usage,
                      "even number");
}

}  // namespace
}  // namespace chiaro::networks
