// LPIPS, NIQE and BRISQUE with the files that users supply; they lie outside the repository.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "chiaro/base/files.h"
#include "chiaro/eval/metric_files.h"
#include "chiaro/image/codec.h"
#include "tests/metrics/scene_pictures.h"

namespace chiaro::eval::learned_scores_test {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kLearned{"lpips_squeeze", "niqe", "brisque"};

/// The folders `metrics` and `tests/pairs` of CHIARO_DATA_DIR, or of the folder around it.
fs::path data_folder(const std::string& name) {
  const char* data = std::getenv("CHIARO_DATA_DIR");
  if (data == nullptr) return {};
  for (const fs::path& root : {fs::path(data), fs::path(data).parent_path()}) {
    if (fs::is_directory(root / name)) return root / name;
  }
  return {};
}

class LearnedScores : public ::testing::Test {
 protected:
  void SetUp() override {
    const fs::path folder = data_folder("metrics");
    if (folder.empty())
      GTEST_SKIP() << "needs a folder 'metrics' (docs/metrics.md) in or beside CHIARO_DATA_DIR";
    measures_ = metrics::measures(kLearned, std::vector<std::string>{"chiaro"});
    learned_.emplace(read_metric_files(measures_, folder));
  }
  double score(std::size_t metric, const image::Image& a, const image::Image& b) const {
    return metrics::score(measures_[metric], a, b, *learned_);
  }

  std::vector<metrics::Measure> measures_;
  std::optional<metrics::Learned> learned_;
};

TEST_F(LearnedScores, MeetTheStoredNumbers) {
  const auto stored = nlohmann::json::parse(
      read_text(std::string(CHIARO_SOURCE_DIR) + "/tests/parity/learned_metrics.json"));
  for (const auto& entry : stored.at("cases")) {
    SCOPED_TRACE(entry.at("picture"));
    const auto pictures = entry.at("picture") == "scene_rgb"
                              ? metrics::integer_pictures(230, 325, 3, true)
                              : metrics::integer_pictures(201, 211, 1, true);
    // float32 in two engines; and a regression over features of which some are float32 there.
    EXPECT_NEAR(score(0, pictures.restored, pictures.target),
                entry.at("lpips_squeeze").get<double>(), 2e-6);
    EXPECT_NEAR(score(2, pictures.restored, pictures.target), entry.at("brisque").get<double>(),
                1e-3);
  }
}

TEST_F(LearnedScores, LpipsOfRealPairsToFourDecimals) {
  const fs::path pairs = data_folder("tests/pairs");
  if (pairs.empty()) GTEST_SKIP() << "needs a folder 'tests/pairs' in or beside CHIARO_DATA_DIR";
  const std::pair<const char*, double> expected[] = {{"rain100l_3", 0.1465},
                                                     {"rain100h_7", 0.4467},
                                                     {"sots_1421_4", 0.1068},
                                                     {"lol_526", 0.4520},
                                                     {"gopro_00", 0.3563}};
  for (const auto& [name, value] : expected) {
    const image::Image input = image::read(pairs / (std::string(name) + "_lq.png"));
    const image::Image target = image::read(pairs / (std::string(name) + "_gt.png"));
    EXPECT_NEAR(score(0, input, target), value, 5.1e-5) << name;
    EXPECT_EQ(score(0, target, target), 0.0);
  }
}

}  // namespace
}  // namespace chiaro::eval::learned_scores_test
