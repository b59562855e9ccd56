// NIQE and BRISQUE's features against the numbers of tools/make_learned_baselines.py.
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/metrics/brisque.h"
#include "chiaro/metrics/niqe.h"
#include "tests/metrics/scene_pictures.h"

namespace chiaro::metrics::learned_parity_test {
namespace {

// Their sums are float64 as ours; shapes of distributions come in steps of 0.001, which hides the
// last bits of the means they are found by.
constexpr double kSceneTolerance = 1e-5;

Pictures scene_named(const std::string& name) {
  return name == "scene_rgb" ? integer_pictures(230, 325, 3, true)
                             : integer_pictures(201, 211, 1, true);
}

/// A formula instead of a file.
NiqeNorm formula_norm() {
  NiqeNorm norm;
  for (int i = 0; i < static_cast<int>(kSceneFeatures); ++i) {
    norm.mean.push_back(0.3 + 0.05 * (i % 7));
    for (int j = 0; j < static_cast<int>(kSceneFeatures); ++j)
      norm.covariance.push_back(0.05 / (1 + std::abs(i - j)) + (i == j ? 0.02 : 0.0));
  }
  return norm;
}

nlohmann::json stored_cases() {
  return nlohmann::json::parse(
             read_text(std::string(CHIARO_SOURCE_DIR) + "/tests/parity/learned_metrics.json"))
      .at("cases");
}

TEST(LearnedParity, NiqeMeetsTheStoredNumbers) {
  const auto cases = stored_cases();
  ASSERT_EQ(cases.size(), 2U);
  for (const auto& entry : cases) {
    SCOPED_TRACE(entry.at("picture"));
    const auto picture = scene_named(entry.at("picture")).restored;
    EXPECT_NEAR(niqe(picture, preset("basicsr", Metric::Niqe), formula_norm()),
                entry.at("niqe_studio").get<double>(), kSceneTolerance);
    EXPECT_NEAR(niqe(picture, preset("matlab", Metric::Niqe), formula_norm()),
                entry.at("niqe_full").get<double>(), kSceneTolerance);
  }
}

TEST(LearnedParity, FeaturesOfBrisqueMeetTheStoredNumbers) {
  for (const auto& entry : stored_cases()) {
    SCOPED_TRACE(entry.at("picture"));
    const auto picture = scene_named(entry.at("picture")).restored;
    Plane plane = scored_planes(picture, preset("chiaro", Metric::Brisque)).front();
    for (double& value : plane.samples) value *= 255;
    const SceneFeatures features = brisque_features(plane);
    const auto expected = entry.at("brisque_features").get<std::vector<double>>();
    ASSERT_EQ(expected.size(), features.size());
    for (std::size_t i = 0; i < features.size(); ++i)
      EXPECT_NEAR(features[i], expected[i], kSceneTolerance) << "feature " << i;
  }
}

}  // namespace
}  // namespace chiaro::metrics::learned_parity_test
