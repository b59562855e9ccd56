#include "chiaro/restore/damage_code.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <utility>

#include "tests/support/expect_error.h"
#include "tests/support/graph_bundle.h"

namespace chiaro::restore::damage_code_test {
namespace {

Inspection of(std::vector<double> probabilities, std::vector<double> severities) {
  Inspection seen;
  seen.probabilities = std::move(probabilities);
  seen.severities = std::move(severities);
  return seen;
}

TEST(DamageCode, HasTypesAtRightAnglesAndSeverityOnAnArc) {
  const auto weak = damage_code(of({0, 1, 0}, {0.9, 0.2, 0.4}));
  ASSERT_EQ(weak.size(), 6U);
  EXPECT_NEAR(weak[2], std::cos(0.1 * std::numbers::pi), 1e-6);
  EXPECT_NEAR(weak[3], std::sin(0.1 * std::numbers::pi), 1e-6);
  const auto strong = damage_code(of({0, 1, 0}, {0, 0.7, 1}));
  EXPECT_NEAR(cosine(weak, strong), std::cos(0.25 * std::numbers::pi), 1e-6);
  EXPECT_NEAR(cosine(weak, damage_code(of({1, 0, 0}, {0.2, 0.2, 0.2}))), 0, 1e-6);
  const auto both = damage_code(of({0.5, 0.5, 0}, {0.2, 0.2, 0.2}));
  EXPECT_NEAR(cosine(both, both), 1, 1e-6);
  EXPECT_NEAR(cosine(weak, both), std::numbers::sqrt2 / 2, 1e-6);
}

TEST(DamageCode, OfViewsIsWhatIsSaidOfThePicture) {
  const auto bundle = test::graph_bundle("told");
  Inspector inspector(bundle, {.threads = 1});
  image::Image picture(3, 50, 70, 0.6F);
  for (int y = 0; y < 50; ++y)
    for (int x = 0; x < 70; x += 2) picture.at(1, y, x) = 0.4F;
  const auto views = damage_views(picture, inspector.info());
  EXPECT_TRUE(views.square.empty());
  EXPECT_EQ(damage_code(inspector.inspect(views.native, views.whole)),
            damage_code(inspector.inspect(picture)));

  picture.alpha.assign(picture.plane_size(), 1.0F);
  picture.alpha.back() = 0;
  picture.at(0, 49, 69) = std::numeric_limits<float>::quiet_NaN();  // hidden
  const auto hidden = damage_views(picture, inspector.info());
  EXPECT_EQ(damage_code(inspector.inspect(hidden.native, hidden.whole)),
            damage_code(inspector.inspect(picture)));
  image::Image bright(3, 50, 70, 0.3F);
  for (int x = 0; x < 70; x += 2) bright.at(0, 20, x) = 4;
  bright.at(1, 3, 3) = -0.02F;
  const auto bent = damage_views(bright, inspector.info());
  EXPECT_EQ(damage_code(inspector.inspect(bent.native, bent.whole)),
            damage_code(inspector.inspect(bright)));
  EXPECT_CHIARO_ERROR(damage_views({}, inspector.info()), Usage, "empty");
}

TEST(DamageCode, OfAnotherControllerHasAnotherLayout) {
  auto manifest = test::graph_bundle("told").manifest;
  manifest.members["condition.onnx"] = {100, std::string(64, 'a')};
  const CodeLayout layout = damage_layout(manifest, "told");
  EXPECT_EQ(layout.width(), 6U);
  EXPECT_EQ(layout.parts[0].name, "degradation");
  auto renamed = manifest;
  renamed.name = "renamed";
  EXPECT_EQ(damage_layout(renamed, "told").encoder, layout.encoder);
  auto warmer = manifest;
  warmer.condition->temperature = 2;
  EXPECT_NE(damage_layout(warmer, "told").encoder, layout.encoder);
  auto retrained = manifest;
  retrained.members["condition.onnx"].sha256[0] = 'b';
  EXPECT_NE(damage_layout(retrained, "told").encoder, layout.encoder);
  EXPECT_CHIARO_ERROR(damage_layout(test::graph_bundle("stack").manifest, "stack"), Bundle,
                      "has no controller");
}

}  // namespace
}  // namespace chiaro::restore::damage_code_test
