#include "chiaro/methods/catalogue.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "tests/methods/gain.h"
#include "tests/support/expect_error.h"

namespace chiaro::methods::supervised_test {
namespace {

TEST(Supervised, WeighsTheNamedTerms) {
  const auto network = std::make_shared<Gain>(0.5);
  const auto method = supervised().make({network, {}, 0}, {{"loss", std::string("l1 + 0.25 mse")}});
  const Losses losses = method->losses(ones_and_twos(), {});
  ASSERT_EQ(losses.terms.size(), 2U);
  EXPECT_EQ(losses.terms[0].name, "l1");
  EXPECT_NEAR(losses.terms[0].value.item<double>(), 1.5, 1e-6);   // |0.5 − 2|
  EXPECT_NEAR(losses.terms[1].value.item<double>(), 2.25, 1e-6);  // (0.5 − 2)²
  EXPECT_EQ(losses.terms[1].weight, 0.25);
}

TEST(Supervised, GradientPointsToTheTarget) {
  const auto network = std::make_shared<Gain>(0.5);
  const auto method = supervised().make({network, {}, 0}, {{"loss", std::string("l1")}});
  method->losses(ones_and_twos(), {}).terms[0].value.backward();
  EXPECT_NEAR(method->trainable("train").front().grad().item<double>(), -1.0, 1e-6);
}

TEST(Supervised, RefusesUnknownLossAndOption) {
  const auto network = std::make_shared<Gain>(1.0);
  EXPECT_CHIARO_ERROR(supervised().make({network, {}, 0}, {{"loss", std::string("charbonier")}}),
                      Usage, "charbonnier");
  EXPECT_CHIARO_ERROR(supervised().make({network, {}, 0}, {{"los", std::string("l1")}}), Usage,
                      "did you mean 'loss'");
}

TEST(MethodCatalogue, UnknownNameGivesTheNearest) {
  EXPECT_CHIARO_ERROR(find("supervisd"), Usage, "did you mean 'supervised'");
}

}  // namespace
}  // namespace chiaro::methods::supervised_test
