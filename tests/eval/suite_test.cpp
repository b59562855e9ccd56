#include "chiaro/eval/suite.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "chiaro/base/files.h"
#include "tests/eval/pictures.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::eval::suite_test {
namespace {

using test::TemporaryFolder;

class SuiteTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"data/clean/a.png", "data/clean/b.png", "data/in/a.png"}) {
      save(folder_ / name, test_picture(16, 20, 0));
    }
  }
  Suite load(const std::string& toml, std::size_t limit = 0) {
    write_file_atomically(folder_ / "suite.toml", toml);
    return load_suite(folder_ / "suite.toml", folder_ / "data", limit);
  }
  TemporaryFolder folder_;
};

constexpr const char* kTwoSets = R"toml(
metrics = ["psnr", "ssim"]
presets = ["skimage"]
[protocol]
border_px = 2
[[set]]
name = "noisy"
clean = "clean"
degrade = "noise(sigma_u8=10)"
seed = 5
[[set]]
name = "files"
input = "clean"
target = "clean"
pair = "_x:_y"
floor_db = 30
)toml";

TEST_F(SuiteTest, ReadsSetsMeasuresAndProtocol) {
  save(folder_ / "data/clean/c_x.png", test_picture(16, 20, 0));
  save(folder_ / "data/clean/c_y.png", test_picture(16, 20, 0));
  const Suite suite = load(kTwoSets);
  ASSERT_EQ(suite.measures.size(), 2U);
  EXPECT_EQ(suite.measures[1].protocol.window, metrics::Window::Uniform7);
  EXPECT_EQ(suite.measures[1].protocol.border_px, 2);
  ASSERT_EQ(suite.sets.size(), 2U);
  EXPECT_EQ(suite.sets[0].pairs.name, "noisy");
  EXPECT_EQ(suite.sets[0].pairs.seed, 5U);
  EXPECT_EQ(suite.sets[0].pairs.entries.size(), 4U);
  EXPECT_EQ(suite.sets[1].pairs.entries.size(), 1U);
  EXPECT_EQ(suite.sets[1].options.floor_db, 30);
  EXPECT_EQ(load(kTwoSets, 3).sets[0].pairs.entries.size(), 3U);
}

TEST_F(SuiteTest, KeepsStatedTargets) {
  const Suite suite =
      load("[[set]]\nname = \"s\"\nclean = \"clean\"\ndegrade = \"clean\"\nonly = [\"b\"]\n");
  ASSERT_EQ(suite.sets[0].pairs.entries.size(), 1U);
  EXPECT_EQ(suite.sets[0].pairs.entries[0].name, "b.png");
}

TEST_F(SuiteTest, SetsWithoutTargetsGoWithMetricsWithoutReference) {
  const Suite suite = load("metrics = [\"niqe\"]\n[[set]]\nname = \"s\"\ninput = \"in\"\n");
  EXPECT_FALSE(has_targets(suite.sets[0].pairs));
}

TEST_F(SuiteTest, MistakesAreNamed) {
  const std::string set = "[[set]]\nname = \"s\"\nclean = \"clean\"\ndegrade = \"clean\"\n";
  EXPECT_CHIARO_ERROR(load(""), Usage, "[[set]]");
  EXPECT_CHIARO_ERROR(load("[[sets]]\nname = \"s\"\n"), Usage, "set");
  EXPECT_CHIARO_ERROR(load("metric = [\"psnr\"]\n" + set), Usage, "metrics");
  EXPECT_CHIARO_ERROR(load("metrics = \"psnr\"\n" + set), Usage, "list");
  EXPECT_CHIARO_ERROR(load("metrics = [\"pnsr\"]\n" + set), Usage, "psnr");
  EXPECT_CHIARO_ERROR(load(set + "floor = 3\n"), Usage, "floor_db");
  EXPECT_CHIARO_ERROR(load(set + set), Usage, "two sets");
  EXPECT_CHIARO_ERROR(load(set + "input = \"in\"\n"), Usage, "exactly one");
  EXPECT_CHIARO_ERROR(load("[[set]]\nname = \"s\"\ntarget = \"clean\"\n"), Usage, "exactly one");
  EXPECT_CHIARO_ERROR(load("[[set]]\nname = \"s\"\ninput = \"in\"\n"), Usage,
                      "psnr compares with clean pictures");
  EXPECT_CHIARO_ERROR(load("[[set]]\nname = \"s\"\nclean = \"clean\"\n"), Usage, "exactly one");
  EXPECT_CHIARO_ERROR(load("[[set]]\nname = \"s\"\n"), Usage, "exactly one");
  EXPECT_CHIARO_ERROR(load("[[set]]\nclean = \"clean\"\ndegrade = \"clean\"\n"), Usage, "no name");
  EXPECT_CHIARO_ERROR(load("[[set]]\nname = \"s\"\nclean = \"gone\"\ndegrade = \"clean\"\n"), Input,
                      "gone");
  EXPECT_CHIARO_ERROR(load("[[set]]\nname = \"s\"\ninput = \"in\"\ntarget = \"clean\"\n"), Input,
                      "b.png");
}

TEST_F(SuiteTest, EveryFolderThatLacksIsNamedAtOnce) {
  const auto set = [](const std::string& name, const std::string& source) {
    return "[[set]]\nname = \"" + name + "\"\n" + source;
  };
  EXPECT_CHIARO_ERROR(load(set("a", "clean = \"clean\"\ndegrade = \"clean\"\n") +
                           set("b", "clean = \"one\"\ndegrade = \"clean\"\n") +
                           set("c", "clean = \"one\"\ndegrade = \"noise\"\n") +
                           set("d", "input = \"two/input\"\ntarget = \"two/target\"\n")),
                      Input, "expected in it: one, two/input, two/target");
}

TEST_F(SuiteTest, GoalsAreCheckedInDecibels) {
  const std::string base =
      "[[set]]\nname = \"s\"\nclean = \"clean\"\ndegrade = \"noise(sigma_u8=25)\"\n";
  const auto leave = [](const image::Image& input) { return input; };  // about 20.2 dB, gain 0
  const auto result = [&](const std::string& goals) {
    const Suite suite = load(base + goals);
    const std::vector<Report> reports{evaluate(suite.sets[0].pairs, leave, suite.measures)};
    return check_goals(suite, reports);
  };
  EXPECT_TRUE(result("").empty());
  EXPECT_TRUE(result("floor_db = 19.0\n").at(0).held);
  EXPECT_FALSE(result("floor_db = 22.0\n").at(0).held);
  EXPECT_TRUE(result("floor_gain_db = -0.2\n").at(0).held);
  EXPECT_FALSE(result("floor_gain_db = 0.1\n").at(0).held);
  EXPECT_TRUE(result("floor_db = 19.0\naim_db = 22.0\n").at(0).held);
  EXPECT_FALSE(result("floor_db = 19.0\naim_db = 22.0\n").at(0).aimed);
  EXPECT_FALSE(result("aim_gain_db = 1.2\n").at(0).aimed);
  EXPECT_NE(goals_text(result("floor_db = 22.0\n")).find("MISSED"), std::string::npos);
  EXPECT_NE(goals_text(result("floor_db = 19.0\n")).find("held"), std::string::npos);
  const Suite floored = load(base + "floor_db = 19.0\n");
  std::vector<Report> without_gain{evaluate(floored.sets[0].pairs, leave, floored.measures)};
  without_gain[0].pictures.at(0).input[0] = std::nan("");
  EXPECT_TRUE(check_goals(floored, without_gain).at(0).held) << "no gain was asked for";
  EXPECT_CHIARO_ERROR(load("metrics = [\"ssim\"]\n" + base + "floor_db = 20.0\n"), Usage, "PSNR");
}

TEST_F(SuiteTest, SharesOfPicturesAreGoalsToo) {
  const std::string base =
      "[[set]]\nname = \"s\"\nclean = \"clean\"\ndegrade = \"noise(sigma_u8=25)\"\n";
  const auto leave = [](const image::Image& input) { return input; };
  const auto with = [&](const std::string& goals, double gain, const std::string& found) {
    const Suite suite = load(base + goals);
    std::vector<Report> reports{evaluate(suite.sets[0].pairs, leave, suite.measures)};
    auto& pictures = reports[0].pictures;
    pictures.resize(4, pictures.at(0));
    for (auto& picture : pictures) picture.type_found = found;
    pictures[1].restored[0] = pictures[1].input[0] + gain;
    if (!found.empty()) pictures[2].type_found = "jpeg";
    reports[0].types = {"noise"};
    return check_goals(suite, reports).at(0);
  };
  EXPECT_DOUBLE_EQ(with("most_worse = 0\n", -0.11, "").clearly_worse_share, 0.25);
  EXPECT_FALSE(with("most_worse = 0.2\n", -0.11, "").held);
  EXPECT_TRUE(with("most_worse = 0.25\n", -0.11, "").held);
  EXPECT_TRUE(with("most_worse = 0\n", -0.09, "").held);
  EXPECT_TRUE(with("least_right = 0.75\n", 0, "noise").held);
  EXPECT_FALSE(with("least_right = 0.76\n", 0, "noise").held);
  EXPECT_TRUE(with("least_right = 0.76\n", 0, "").held) << "no controller";
  EXPECT_CHIARO_ERROR(load(base + "most_worse = 5\n"), Usage, "most_worse");
  EXPECT_CHIARO_ERROR(load(base + "least_right = -1\n"), Usage, "least_right");
  std::filesystem::copy(folder_ / "data/clean", folder_ / "data/same");
  EXPECT_CHIARO_ERROR(load("[[set]]\nname = \"p\"\ninput = \"same\"\ntarget = \"clean\"\n"
                           "least_right = 0.5\n"),
                      Usage, "says what is right");
  const std::vector<GoalResult> shown{with("most_worse = 0.2\nleast_right = 0.5\n", -3, "noise")};
  for (const char* part : {"25.0 %", "20.0 %", "75.0 %", "50.0 %", "MISSED"})
    EXPECT_NE(goals_text(shown).find(part), std::string::npos) << part;
}

TEST(BenchSuite, TheRecipeReadsAndUntouchedInputsScoreAsPublished) {
  const char* data = std::getenv("CHIARO_BENCH_DIR");
  if (data == nullptr) GTEST_SKIP() << "CHIARO_BENCH_DIR is not set";
  const Suite suite = load_suite(std::string(CHIARO_SOURCE_DIR) + "/recipes/eval/bench.toml", data);
  struct Expected {
    std::string set;
    std::size_t pictures;
    double psnr, ssim;
  };
  for (const Expected& expected :
       {Expected{"Rain100L", 100, 25.52, 0.8248}, Expected{"LOL eval15", 15, 7.77, 0.1952},
        Expected{"SOTS indoor part", 30, 12.13, 0.7068},
        Expected{"SOTS unseen rooms", 10, 11.34, 0.6329}}) {
    SCOPED_TRACE(expected.set);
    const auto found = std::find_if(suite.sets.begin(), suite.sets.end(), [&](const auto& set) {
      return set.pairs.name == expected.set;
    });
    ASSERT_NE(found, suite.sets.end());
    const Report report = evaluate(found->pairs, {}, suite.measures);
    EXPECT_EQ(report.pictures.size(), expected.pictures);
    EXPECT_NEAR(summarize(report, 0).restored, expected.psnr, 0.00501);
    EXPECT_NEAR(summarize(report, 1).restored, expected.ssim, 0.0000501);
  }
}

}  // namespace
}  // namespace chiaro::eval::suite_test
