#include "chiaro/losses/patch_contrast.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/losses/angles.h"
#include "tests/support/expect_error.h"

namespace chiaro::losses::patch_contrast_test {
namespace {

const std::vector<double> kImage = {0, 10, 25};
const std::vector<double> kDamage = {90, 120, 100, 170};

// Worked out by hand elsewhere, with τ = 0.07.
TEST(LayerContrast, EqualsValuesMadeElsewhere) {
  const auto image = at_angles(kImage);
  const auto damage = at_angles(kDamage);
  EXPECT_NEAR(layer_contrast(image, damage, 0.07).item<double>(), 2.339534, 1e-6);
  EXPECT_NEAR(layer_contrast(image, damage, 0.07, 1.0).item<double>(), 0.775498, 1e-6);
  const double damage_alone = (4.596853 + 2.074677 + 3.697760 + 3.680956) / 4;
  EXPECT_NEAR(layer_contrast(image, damage, 0.07, 0.0).item<double>(), damage_alone, 1e-6);
}

TEST(LayerContrast, EqualVectorsKnowNothing) {
  const auto one = at_angles({30}).expand({8, 2});
  EXPECT_NEAR(layer_contrast(one, one.slice(0, 0, 1).expand({128, 2}), 0.07).item<double>(),
              std::log(135), 1e-9);
}

TEST(LayerContrast, PullsItsOwnAndPushesTheOther) {
  const auto image = at_angles({0, 20}).requires_grad_(true);
  const auto damage = at_angles({60, 80}).requires_grad_(true);
  layer_contrast(image, damage, 0.5).backward();
  // Against the gradient, the two directions at the border turn away from each other.
  const auto turn = [](const at::Tensor& v, std::int64_t i) {
    return (v[i][0] * v.grad()[i][1] - v[i][1] * v.grad()[i][0]).item<double>();
  };
  EXPECT_GT(turn(image, 1), 0);
  EXPECT_LT(turn(damage, 0), 0);
}

TEST(LayerContrast, GradientEqualsDifferences) {
  const auto loss = [](const at::Tensor& v) {
    const auto unit = v / v.norm(2, 1, true);
    return layer_contrast(unit.slice(0, 0, 3), unit.slice(0, 3), 0.3);
  };
  const auto v = at::sin(at::arange(21, at::kDouble) * 1.7).view({7, 3}).requires_grad_(true);
  loss(v).backward();
  for (std::int64_t i = 0; i < v.numel(); ++i) {
    auto step = at::zeros({21}, at::kDouble);
    step[i] = 1e-6;
    const auto at_offset = [&](double sign) {
      return loss(v.detach() + sign * step.view({7, 3})).item<double>();
    };
    EXPECT_NEAR(v.grad().flatten()[i].item<double>(), (at_offset(1) - at_offset(-1)) / 2e-6, 1e-7);
  }
}

TEST(LayerContrast, RefusesVectorsOfUnlikeLength) {
  EXPECT_CHIARO_ERROR(layer_contrast(at::zeros({2, 3}), at::zeros({2, 4}), 1), Internal, "(P,D)");
}

TEST(LocationContrast, EqualsValuesMadeElsewhere) {
  const auto q = at_angles({0, 40, 80});
  const auto k = at_angles({5, 50, 70});
  EXPECT_NEAR(location_contrast(q, k, 0.07).item<double>(), 0.139779, 1e-6);
  EXPECT_NEAR(3 * location_contrast(q, k, 0.07).item<double>(), 0.006484 + 0.244561 + 0.168293,
              3e-6);
}

TEST(LocationContrast, EqualPlacesKnowNothing) {
  const auto same = at_angles({30}).expand({5, 2});
  EXPECT_NEAR(location_contrast(same, same, 0.07).item<double>(), std::log(5), 1e-9);
  EXPECT_CHIARO_ERROR(location_contrast(same, same.slice(0, 0, 4), 1), Internal, "one shape");
}

}  // namespace
}  // namespace chiaro::losses::patch_contrast_test
