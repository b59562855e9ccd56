// Bad studies: one sentence, a code, nothing made.
#include "tests/study_cli/study_folder.h"

namespace chiaro::study_faults_test {
namespace {

using test::exchange;
using test::kTwoArms;
using test::StudyCli;

TEST_F(StudyCli, UnknownKeysNameTheNearest) {
  expect_refusal(exchange(kTwoArms, "seeds =", "seed ="), 2, "did you mean 'seeds'");
  expect_refusal(exchange(kTwoArms, "control = true", "controll = true"), 2,
                 "did you mean 'control'");
  expect_refusal(exchange(kTwoArms, "[measure]", "[mesure]"), 2, "did you mean 'measure'");
  expect_refusal(exchange(kTwoArms, "metrics =", "metric ="), 2, "did you mean 'metrics'");
  expect_refusal(exchange(kTwoArms, "method.loss=mse", "method.los=mse"), 2, "did you mean 'loss'");
  expect_refusal(exchange(kTwoArms, "method.loss=mse", "train.step=2"), 2, "did you mean 'steps'");
  expect_refusal(exchange(kTwoArms, "method.loss=mse", "method.loss"), 2,
                 "expected section.key=value");
}

TEST_F(StudyCli, ThereIsExactlyOneControl) {
  expect_refusal(exchange(kTwoArms, "control = true", "control = false"), 2, "0 arms say control");
  expect_refusal(exchange(kTwoArms, "name = \"squared\"", "name = \"squared\"\ncontrol = true"), 2,
                 "2 arms say control");
  expect_refusal(exchange(kTwoArms, "control = true", "control = true\nmeasured = false"), 2,
                 "must be measured");
}

TEST_F(StudyCli, NamesAreDistinctAndFitForFolders) {
  expect_refusal(exchange(kTwoArms, "name = \"squared\"", "name = \"plain\""), 2,
                 "two arms are called 'plain'");
  expect_refusal(exchange(kTwoArms, "name = \"squared\"", "name = \"../up\""), 2, "'../up'");
  expect_refusal(exchange(kTwoArms, "[1, 2]", "[2, 2]"), 2, "seeds holds 2 twice");
}

TEST_F(StudyCli, ReferencesLeadSomewhere) {
  expect_refusal(exchange(kTwoArms, "recipe.toml", "nowhere.toml"), 3, "nowhere.toml");
  const std::string squared = "name = \"squared\"";
  expect_refusal(exchange(kTwoArms, squared, squared + "\nfrom = \"arm:plane\""), 2,
                 "did you mean 'plain'");
  expect_refusal(exchange(kTwoArms, squared, squared + "\nfrom = \"nothing.chiaro\""), 3,
                 "nothing.chiaro");
  expect_refusal(exchange(kTwoArms, squared, squared + "\nfrom = \"arm:squared\""), 2,
                 "in a circle");
  const std::string plain = "name = \"plain\"";
  expect_refusal(exchange(exchange(kTwoArms, squared, squared + "\nfrom = \"arm:plain\""), plain,
                          plain + "\nfrom = \"arm:squared\""),
                 2, "in a circle");
}

TEST_F(StudyCli, AMetricThatNoRunHasIsNamedWithThoseThereAre) {
  write("study.toml", exchange(exchange(kTwoArms, "\"worse\"", "\"wors\""), "[1, 2]", "[1]"));
  const auto refused = study("study.toml", "out");
  EXPECT_EQ(refused.status, 2);
  EXPECT_NE(refused.err.find("no finished run measured 'wors'"), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("did you mean 'worse'"), std::string::npos) << refused.err;
}

TEST_F(StudyCli, ArmsShareSeedsAndData) {
  expect_refusal(exchange(kTwoArms, "method.loss=mse", "train.seed=3"), 2, "sets train.seed");
  expect_refusal(exchange(kTwoArms, "method.loss=mse", "data.batch=4"), 2,
                 "data.batch is 4, in the control's 2");
  expect_refusal(exchange(kTwoArms, "seeds = [1, 2]", "seeds = []"), 2, "names no seeds");
  expect_refusal(exchange(kTwoArms, "method.loss=mse", "train.validate_every=0"), 2,
                 "nothing to compare");
}

TEST_F(StudyCli, ArmsThatCannotBeBuiltShowBeforeTheFirstRun) {
  expect_refusal(exchange(kTwoArms, "method.loss=mse", "method.loss=mes"), 2, "run 'squared/1'");
  expect_refusal(exchange(kTwoArms, "method.loss=mse", "network.channels=[8, 12, 16]"), 2,
                 "run 'squared/1'");
  expect_refusal(exchange(kTwoArms, "[\"method.loss=mse\"]", "[\"data.scale=2\"]\nown_data = true"),
                 2, "differ in scale");
}

TEST_F(StudyCli, AMetricThatNobodyMeasuredIsNamed) {
  write("metric.toml", exchange(kTwoArms, "\"worse\"", "\"psnr_nois\""));
  const auto result = study("metric.toml", "out");
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.err.find("did you mean 'psnr_noise'"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace chiaro::study_faults_test
