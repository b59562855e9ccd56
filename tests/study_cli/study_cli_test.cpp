// What a study promises: its numbers, equal conditions for all arms, and that it can be stopped at
// any moment.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <regex>
#include <thread>

#include <ATen/core/Tensor.h>
#include <ATen/ops/equal.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "chiaro/base/recipe.h"
#include "chiaro/checkpoint/checkpoint.h"
#include "chiaro/data/dataset.h"
#include "tests/study_cli/study_folder.h"

namespace chiaro::study_cli_test {
namespace {

namespace fs = std::filesystem;
using test::csv;
using test::exchange;
using test::StudyCli;

/// The t quantile of one degree of freedom is that of Cauchy's distribution: tan(π·0.475).
const double kOneDegree = std::tan(std::acos(-1.0) * 0.475);

double last(const fs::path& run, const std::string& metric) {
  return std::stod(csv(run / "validation.csv").back().at(metric));
}

double median_step_ms(const fs::path& run) {
  std::vector<double> values;
  for (const auto& row : csv(run / "losses.csv"))
    values.push_back(std::stod(row.at("step_ms")) - std::stod(row.at("data_wait_ms")));
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return (values.at((n - 1) / 2) + values.at(n / 2)) / 2;
}

TEST_F(StudyCli, TheTableIsWhatTheRunsSay) {
  const auto result = study("study.toml", "out");
  ASSERT_EQ(result.status, 0) << result.err;
  const fs::path runs = folder_ / "out" / "runs";
  const auto table = csv(folder_ / "out" / "table.csv");
  ASSERT_EQ(table.size(), 4U);
  for (const std::string metric : {"psnr", "worse"}) {
    const double plain_1 = last(runs / "plain" / "1", metric);
    const double plain_2 = last(runs / "plain" / "2", metric);
    const double other_1 = last(runs / "squared" / "1", metric);
    const double other_2 = last(runs / "squared" / "2", metric);
    const auto& control = table[metric == "psnr" ? 0 : 2];
    const auto& line = table[metric == "psnr" ? 1 : 3];
    EXPECT_EQ(control.at("arm"), "plain");
    EXPECT_EQ(control.at("difference"), "");
    EXPECT_NEAR(std::stod(control.at("mean")), (plain_1 + plain_2) / 2, 1e-9);
    EXPECT_EQ(line.at("arm"), "squared");
    EXPECT_EQ(line.at("metric"), metric);
    EXPECT_EQ(line.at("seeds"), "2");
    EXPECT_EQ(line.at("pairs"), "2");
    EXPECT_NEAR(std::stod(line.at("mean")), (other_1 + other_2) / 2, 1e-9);
    EXPECT_NEAR(std::stod(line.at("deviation")), std::abs(other_1 - other_2) / std::sqrt(2.0),
                1e-9);
    const double a = other_1 - plain_1;
    const double b = other_2 - plain_2;
    const double half = kOneDegree * std::abs(a - b) / 2;
    EXPECT_NEAR(std::stod(line.at("difference")), (a + b) / 2, 1e-9);
    EXPECT_NEAR(std::stod(line.at("low")), (a + b) / 2 - half, 1e-9);
    EXPECT_NEAR(std::stod(line.at("high")), (a + b) / 2 + half, 1e-9);
    const bool apart = std::abs(a + b) / 2 > half;
    EXPECT_EQ(line.at("verdict"), !apart ? "undecided" : a + b > 0 ? "above" : "below");
    if (metric == "psnr") {
      EXPECT_NE(a, b);
    }
  }
  const auto cost = csv(folder_ / "out" / "cost.csv");
  const double ratio_1 =
      median_step_ms(runs / "squared" / "1") / median_step_ms(runs / "plain" / "1");
  const double ratio_2 =
      median_step_ms(runs / "squared" / "2") / median_step_ms(runs / "plain" / "2");
  EXPECT_NEAR(std::stod(cost.at(1).at("ratio")), (ratio_1 + ratio_2) / 2, 1e-9);
  EXPECT_EQ(cost.at(0).at("ratio"), "1.0");

  const std::string report = read("out/report.md");
  EXPECT_NE(report.find("All 4 measured runs are finished."), std::string::npos) << report;
  EXPECT_NE(report.find("n = 2 seeds"), std::string::npos);
  EXPECT_NE(report.find("Does the mean squared error"), std::string::npos);
  EXPECT_NE(report.find(fmt::format("| squared | 2 | {:.3f} |", std::stod(table[1].at("mean")))),
            std::string::npos)
      << report;
  const auto json = nlohmann::json::parse(read("out/report.json"));
  EXPECT_EQ(json.at("comparisons").at(1).at("low").get<double>(), std::stod(table[1].at("low")));
  EXPECT_TRUE(json.at("comparisons").at(0).at("difference").is_null());
  EXPECT_TRUE(json.at("complete").get<bool>());
}

TEST_F(StudyCli, ArmsSeeTheSameSamplesAndStartFromTheSameWeights) {
  ASSERT_EQ(study("study.toml", "out").status, 0);
  const auto samples = [&](const std::string& run) {
    const Recipe recipe = load_recipe(folder_ / "out" / "runs" / run / "recipe.toml");
    return data::Dataset(recipe, folder_.path(), data::Part::Training).batch(0, 8);
  };
  const auto start = [&](const std::string& run) {
    return checkpoint::load(folder_ / "out" / "runs" / run / "checkpoints" /
                            "step_000000.safetensors");
  };
  for (const std::string seed : {"1", "2"}) {
    const auto plain = samples("plain/" + seed);
    const auto squared = samples("squared/" + seed);
    EXPECT_EQ(plain.origins, squared.origins);
    EXPECT_TRUE(at::equal(plain.input, squared.input));
    const auto a = start("plain/" + seed);
    const auto b = start("squared/" + seed);
    ASSERT_EQ(a.tensors.size(), b.tensors.size());
    for (const auto& [name, tensor] : a.tensors)
      EXPECT_TRUE(at::equal(tensor, b.tensors.at(name))) << name;
  }
  EXPECT_NE(samples("plain/1").origins, samples("plain/2").origins);
  bool differs = false;
  const auto one = start("plain/1");
  const auto two = start("plain/2");
  for (const auto& [name, tensor] : one.tensors)
    differs = differs || !at::equal(tensor, two.tensors.at(name));
  EXPECT_TRUE(differs);
}

TEST_F(StudyCli, KillingAndResumingChangesNoNumber) {
  const std::vector<std::string> longer{"--set", "train.steps=40", "--set",
                                        "train.checkpoint_every=7"};
  ASSERT_EQ(study("study.toml", "straight", longer).status, 0);
  int kills = 0;
  for (int attempt = 0; attempt < 40; ++attempt) {
    const test::Process process(command("study.toml", "killed", longer));
    std::this_thread::sleep_for(std::chrono::milliseconds(400 + 80 * attempt));
    process.signal(SIGKILL);
    const auto result = process.finish();
    if (result.status == 0) break;
    EXPECT_EQ(result.status, 128 + SIGKILL) << result.err;
    ++kills;
  }
  EXPECT_GT(kills, 0);
  EXPECT_EQ(read("straight/table.csv"), read("killed/table.csv")) << "after " << kills << " kills";
  EXPECT_EQ(read("straight/runs.csv"), read("killed/runs.csv"));
}

TEST_F(StudyCli, InterruptionLeavesAReportAndTheSameCommandGoesOn) {
  const std::vector<std::string> longer{"--set", "train.steps=60"};
  const test::Process process(command("study.toml", "out", longer));
  for (int i = 0; i < 4000 && !fs::exists(folder_ / "out/runs/squared/1/losses.csv"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  process.signal(SIGINT);
  const auto stopped = process.finish();
  ASSERT_EQ(stopped.status, 130) << stopped.err;
  EXPECT_NE(stopped.err.find("the same command goes on"), std::string::npos) << stopped.err;
  EXPECT_NE(read("out/report.md").find("**Partial: 1 of 4"), std::string::npos)
      << read("out/report.md");

  const auto list = study("study.toml", "out", {"--set", "train.steps=60", "--list"});
  ASSERT_EQ(list.status, 0) << list.err;
  EXPECT_NE(list.out.find("3 of 4 runs to be made, about"), std::string::npos) << list.out;
  EXPECT_TRUE(std::regex_search(list.out, std::regex("plain/1 +– +finished\n"))) << list.out;
  const auto resumed = study("study.toml", "out", longer);
  ASSERT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_NE(resumed.err.find("resuming"), std::string::npos) << resumed.err;
  EXPECT_NE(read("out/report.md").find("All 4 measured"), std::string::npos);
}

TEST_F(StudyCli, SettingsMayConcernSomeArmsAlone) {
  const auto done = study("study.toml", "out", {"--set", "arm:squ*:train.steps=3"});
  ASSERT_EQ(done.status, 0) << done.err;
  const auto steps = [&](const std::string& run) {
    const Recipe recipe = load_recipe(folder_ / "out" / "runs" / run / "recipe.toml");
    return std::get<std::int64_t>(recipe.table("train").values.at("steps"));
  };
  EXPECT_EQ(steps("plain/1"), 4);
  EXPECT_EQ(steps("squared/1"), 3);
  EXPECT_NE(read("out/report.md").find("--set 'arm:squ*:train.steps=3'"), std::string::npos);
  const auto nobody = study("study.toml", "other", {"--set", "arm:squard:train.steps=3"});
  EXPECT_EQ(nobody.status, 2);
  EXPECT_NE(nobody.err.find("did you mean 'squared'"), std::string::npos) << nobody.err;
  const auto nothing = study("study.toml", "other", {"--set", "arm:squared"});
  EXPECT_EQ(nothing.status, 2);
  EXPECT_NE(nothing.err.find("arm:NAME:section.key=value"), std::string::npos) << nothing.err;
}

TEST_F(StudyCli, ListsWithoutDoingAndReportsWhatThereIs) {
  const auto list = study("study.toml", "out", {"--list"});
  ASSERT_EQ(list.status, 0) << list.err;
  EXPECT_NE(list.out.find("squared/2  unknown  waiting"), std::string::npos) << list.out;
  EXPECT_LT(list.out.find("squared/1"), list.out.find("plain/2"));  // seeds outermost
  EXPECT_FALSE(fs::exists(folder_ / "out"));
  ASSERT_EQ(study("study.toml", "out", {"--report"}).status, 0);
  EXPECT_NE(read("out/report.md").find("**Partial: 0 of 4"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder_ / "out" / "runs"));
}

TEST_F(StudyCli, WithoutGnuplotThereAreTablesAndOneSentence) {
  fs::create_directories(folder_ / "empty");
  const std::string path_before = std::getenv("PATH");
  ::setenv("PATH", path("empty").c_str(), 1);
  const auto result = study("study.toml", "out");
  ::setenv("PATH", path_before.c_str(), 1);
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_NE(read("out/report.md").find("gnuplot is not installed"), std::string::npos);
  EXPECT_EQ(csv(folder_ / "out" / "table.csv").size(), 4U);
  EXPECT_TRUE(fs::exists(folder_ / "out" / "plots" / "differences.dat"));
  EXPECT_FALSE(fs::exists(folder_ / "out" / "plots" / "differences.svg"));
}

TEST_F(StudyCli, DrawsPlotsWhereGnuplotIs) {
  if (std::system("gnuplot --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "no gnuplot";
  ASSERT_EQ(study("study.toml", "out").status, 0);
  for (const std::string name : {"differences", "course"}) {
    EXPECT_NE(read("out/plots/" + name + ".svg").find("</svg>"), std::string::npos);
    EXPECT_NE(read("out/report.md").find("(plots/" + name + ".svg)"), std::string::npos);
  }
}

TEST_F(StudyCli, OneSeedHasNoIntervalAndSaysSo) {
  write("one.toml", exchange(test::kTwoArms, "[1, 2]", "[5]"));
  ASSERT_EQ(study("one.toml", "out").status, 0);
  const auto table = csv(folder_ / "out" / "table.csv");
  EXPECT_NE(table[1].at("difference"), "");
  EXPECT_EQ(table[1].at("low"), "");
  EXPECT_EQ(table[1].count("verdict"), 0U);  // the last cell of the line is empty
  EXPECT_NE(read("out/report.md").find("There is one seed, so there are no intervals"),
            std::string::npos);
  EXPECT_NE(read("out/report.md").find("none: one seed"), std::string::npos);
}

TEST_F(StudyCli, AnArmStartsWhereAnotherEnded) {
  write("start.toml", std::string(test::kTwoArms) + R"toml(
[[arm]]
name = "tuned"
from = "arm:early"
[[arm]]
name = "early"
measured = false
set = ["train.ema_decay=0.0", "train.steps=3"]
)toml");
  ASSERT_EQ(study("start.toml", "out").status, 0);
  for (const std::string seed : {"1", "2"}) {
    const auto end = checkpoint::load(folder_ / "out/runs/early" / seed / "checkpoints" /
                                      "step_000003.safetensors");
    const auto start = checkpoint::load(folder_ / "out/runs/tuned" / seed / "checkpoints" /
                                        "step_000000.safetensors");
    int compared = 0;
    for (const auto& [name, tensor] : start.tensors) {
      if (!name.starts_with("method.")) continue;
      EXPECT_TRUE(at::equal(tensor, end.tensors.at(name))) << name;
      ++compared;
    }
    EXPECT_GT(compared, 4);
  }
  EXPECT_EQ(csv(folder_ / "out" / "table.csv").size(), 6U);  // without the start
  EXPECT_EQ(read("out/table.csv").find("early"), std::string::npos);
}

TEST_F(StudyCli, SettingsAndFractionsAreAxes) {
  write("axes.toml", R"toml(
name = "axes"
base = "recipe.toml"
seeds = [1]
fractions = [0.25, 0.5]
fraction_key = "data.holdout"
[[arm]]
name = "plain"
control = true
[[arm]]
name = "squared"
set = ["method.loss=mse"]
[[setting]]
name = "noise"
[[setting]]
name = "jpeg"
set = ["train.steps=2"]
[[setting.task]]
name = "jpeg"
spec = "jpeg(quality=10..30)"
)toml");
  const auto result = study("axes.toml", "out");
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(csv(folder_ / "out" / "table.csv").size(), 8U);
  const Recipe recipe = load_recipe(folder_ / "out/runs/jpeg/squared/0.25/1/recipe.toml");
  EXPECT_EQ(recipe.table("data").values.at("holdout"), OptionValue(0.25));
  EXPECT_EQ(recipe.lists.at("task").size(), 1U);
  EXPECT_EQ(recipe.lists.at("task").front().values.at("name"), OptionValue(std::string("jpeg")));
  EXPECT_EQ(csv(folder_ / "out/runs/jpeg/plain/0.5/1/validation.csv").back().at("step"), "2");
  EXPECT_EQ(csv(folder_ / "out/runs/noise/plain/0.5/1/validation.csv").back().at("step"), "4");
}

TEST_F(StudyCli, AChangedRecipeIsRefusedUntilRedone) {
  ASSERT_EQ(study("study.toml", "out").status, 0);
  const std::string before = read("out/table.csv");
  write("study.toml", exchange(test::kTwoArms, "method.loss=mse", "method.loss=l1"));
  const auto refused = study("study.toml", "out");
  EXPECT_EQ(refused.status, 2) << refused.err;
  EXPECT_NE(refused.err.find("run 'squared/1' was made by another recipe: method.loss is \"l1\", "
                             "was \"mse\"; --redo squared/1"),
            std::string::npos)
      << refused.err;
  EXPECT_EQ(read("out/table.csv"), before);
  const auto kept = read("out/runs/plain/1/validation.csv");
  const auto wrong = study("study.toml", "out", {"--redo", "sqared"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_NE(wrong.err.find("did you mean 'squared'"), std::string::npos) << wrong.err;
  ASSERT_EQ(study("study.toml", "out", {"--redo", "squared"}).status, 0);
  EXPECT_NE(read("out/table.csv"), before);
  EXPECT_EQ(read("out/runs/plain/1/validation.csv"), kept);
}

TEST_F(StudyCli, ARunWhoseNumbersGoWrongIsNamedAndTheOthersGoOn) {
  write("bad.toml", exchange(test::kTwoArms, "method.loss=mse", "method.loss=1e300 mse"));
  const auto result = study("bad.toml", "out");
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_NE(result.err.find("2 of 4 runs failed"), std::string::npos) << result.err;
  EXPECT_NE(read("out/report.md").find("run `squared/1` failed: [train.step] the gradient"),
            std::string::npos)
      << read("out/report.md");
  EXPECT_NE(read("out/report.md").find("**Partial: 2 of 4"), std::string::npos);
}

}  // namespace
}  // namespace chiaro::study_cli_test
