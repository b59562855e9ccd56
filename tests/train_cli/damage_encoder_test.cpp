// An encoder of damage and its tree from a plain folder, by the recipe that ships.
#include <algorithm>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "chiaro/base/files.h"
#include "chiaro/base/text.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/image/codec.h"
#include "chiaro/restore/code_inspector.h"
#include "chiaro/restore/self_test.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::damage_encoder_test {
namespace {

namespace fs = std::filesystem;

const std::string kSource = CHIARO_SOURCE_DIR;

class DamageEncoder : public ::testing::Test {
 protected:
  static test::ProcessResult run(std::vector<std::string> words) {
    words.insert(words.begin(), CHIARO_TRAIN_PROGRAM);
    return test::run_process(words);
  }

  test::ProcessResult train(const std::string& out, const std::vector<std::string>& more = {},
                            const std::string& photos = kSource + "/examples/photos/clean") const {
    std::vector<std::string> words{
        "train", kSource + "/recipes/hcsc.toml", "--out", path(out), "--data", photos};
    for (const char* setting :
         {"train.steps=12", "method.tree_every=3", "method.width=4", "method.queue=64",
          "method.prototypes=[8, 4, 2]", "method.health_every=1", "method.view_px=32",
          "data.crop_px=32", "data.context_px=48", "data.batch=8", "train.validate_every=6",
          "train.log_every=2", "train.checkpoint_every=6", "validate.samples=16",
          "validate.crop_px=32", "train.device=cpu", "train.threads=1"}) {
      words.insert(words.end(), {"--set", setting});
    }
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  /// What validation.csv first says in a column.
  std::string measured(const std::string& run, const std::string& column) const {
    const auto lines = split(read_text(folder_ / run / "validation.csv"), '\n');
    const auto columns = split(lines.at(0), ',');
    const auto place = std::ranges::find(columns, column) - columns.begin();
    return split(lines.at(1), ',').at(static_cast<std::size_t>(place));
  }

  test::TemporaryFolder folder_;
};

TEST_F(DamageEncoder, TrainsFreezesAndKnowsItsKinds) {
  const auto trained = train("run");
  ASSERT_EQ(trained.status, 0) << trained.err;
  const std::string validation = read_text(folder_ / "run" / "validation.csv");
  for (const char* column : {"ami_kmeans", "ami_3", "tree_purity", "pretext"})
    EXPECT_NE(validation.find(column), std::string::npos) << validation;
  // One picture is held out: what is nearest in another cannot be asked.
  EXPECT_EQ(validation.find("kind_nearest"), std::string::npos) << validation;
  const auto refused = train("other", {"--set", "train.best=nothing_like_it"});
  EXPECT_EQ(refused.status, 2) << refused.err;
  EXPECT_FALSE(fs::exists(folder_ / "other"));
  const std::string known = refused.err.substr(refused.err.find("expected one of:"));
  auto columns = split(validation.substr(0, validation.find('\n')), ',');
  columns.erase(columns.begin());  // "step"
  for (const auto& column : columns)
    EXPECT_TRUE(std::regex_search(known, std::regex("[ ,]" + column + "[,\n]"))) << column;
  EXPECT_NE(read_text(folder_ / "run" / "losses.csv").find("dropped_same_kind"), std::string::npos);

  const auto frozen = run({"freeze", path("run"), "-o", path("damage.chiaro"), "--certify", "0"});
  ASSERT_EQ(frozen.status, 0) << frozen.err;
  const auto bundle = bundle::read_bundle(folder_ / "damage.chiaro");
  EXPECT_EQ(bundle.manifest.kind, "encode");
  EXPECT_EQ(bundle.manifest.method, "hcsc");
  EXPECT_EQ(bundle.manifest.labels.front(), "clean");
  EXPECT_EQ(bundle.manifest.labels.size(), 8U);
  EXPECT_TRUE(restore::verify(bundle, 1).first_difference.empty());
  restore::CodeInspector inspector(bundle, {.threads = 1});
  EXPECT_EQ(inspector.tree().view_px(), 32);
  const auto placed = inspector.inspect(image::read(kSource + "/examples/photos/dogs_noisy.jpg"));
  EXPECT_EQ(placed.path.size(), 3U);
}

TEST_F(DamageEncoder, ServesTheContrastOfARestorerAsFeatures) {
  ASSERT_EQ(train("run").status, 0);
  const auto frozen = run({"freeze", path("run"), "-o", path("damage.chiaro"), "--certify", "0"});
  ASSERT_EQ(frozen.status, 0) << frozen.err;
  const auto restorer = [&](const std::string& out, const std::string& file) {
    std::vector<std::string> words{"train", kSource + "/recipes/spn.toml", "--out", path(out)};
    for (const std::string& setting :
         {std::string("train.steps=3"), std::string("method.features=encoder"),
          "method.feature_file=" + file, std::string("data.crop_px=48"),
          std::string("data.batch=2"), std::string("train.validate_every=0"),
          std::string("train.sample_every=0"), std::string("train.device=cpu"),
          std::string("train.threads=1")}) {
      words.insert(words.end(), {"--set", setting});
    }
    return run(words);
  };
  const auto trained = restorer("restorer", path("damage.chiaro"));
  ASSERT_EQ(trained.status, 0) << trained.err;
  EXPECT_NE(read_text(folder_ / "restorer" / "losses.csv").find("distance_3"), std::string::npos);
  // The run freezes where the encoder is no longer.
  fs::remove(folder_ / "damage.chiaro");
  EXPECT_EQ(run({"freeze", path("restorer"), "-o", path("r.chiaro"), "--certify", "0"}).status, 0);

  const auto other = restorer("other", kSource + "/models/plain.chiaro");
  EXPECT_EQ(other.status, 2) << other.err;
  EXPECT_NE(other.err.find("is no encoder; got a bundle of kind 'restore'"), std::string::npos)
      << other.err;
}

TEST_F(DamageEncoder, ResumingIsExactWithQueueTreeAndMomentumCopy) {
  const auto proof = train("proof", {"--prove-resume", "5"});
  EXPECT_EQ(proof.status, 0) << proof.err;
}

TEST_F(DamageEncoder, AWindowTooSmallAndANetworkTooMuchAreRefused) {
  const auto small = train("run", {"--set", "data.context_px=0", "--set", "data.crop_px=16"});
  EXPECT_EQ(small.status, 2) << small.err;
  EXPECT_NE(small.err.find("data.context_px"), std::string::npos) << small.err;
  const auto network = train("other", {"--set", "network.name=resunet"});
  EXPECT_EQ(network.status, 2) << network.err;
  EXPECT_NE(network.err.find("leave out [network]"), std::string::npos) << network.err;
  EXPECT_FALSE(fs::exists(folder_ / "other"));
}

TEST_F(DamageEncoder, OnePictureIsRefusedInOneSentence) {
  fs::create_directories(folder_ / "one");
  fs::copy_file(kSource + "/examples/photos/clean/cat.jpg", folder_ / "one" / "cat.jpg");
  const auto result = train("run", {}, path("one"));
  EXPECT_EQ(result.status, 2) << result.err;
  EXPECT_NE(result.err.find("no picture is left to validate on"), std::string::npos) << result.err;
}

TEST_F(DamageEncoder, PairsOfOneDamageTrain) {
  const auto trained = train("run", {"--set", "method.positives=damage", "--set", "data.alike=2",
                                     "--set", "train.steps=4"});
  EXPECT_EQ(trained.status, 0) << trained.err;
  const auto unpaired = train("other", {"--set", "method.positives=damage"});
  EXPECT_EQ(unpaired.status, 2) << unpaired.err;
  EXPECT_NE(unpaired.err.find("data.alike = 2"), std::string::npos) << unpaired.err;
}

// The pairs of training are no part of what is measured on: nobody finds a twin of its own damage.
TEST_F(DamageEncoder, IsMeasuredOnTheSameSamplesHoweverItsPairsAreMade) {
  std::vector<std::string> untaught;
  for (const char* setting : {"train.learning_rate=0", "train.final_rate=0", "train.steps=6",
                              "data.holdout=0.5", "validate.samples=96"})
    untaught.insert(untaught.end(), {"--set", setting});
  auto pairs = untaught;
  pairs.insert(pairs.end(), {"--set", "method.positives=damage", "--set", "data.alike=2"});
  const auto by_crops = train("crops", untaught);
  ASSERT_EQ(by_crops.status, 0) << by_crops.err;
  const auto by_damage = train("pairs", pairs);
  ASSERT_EQ(by_damage.status, 0) << by_damage.err;
  for (const char* column : {"kind_nearest", "nmi_kmeans", "ami_kmeans", "degradation_kind_nearest",
                             "degradation_scene_linear", "degradation_kind_deep"})
    EXPECT_EQ(measured("crops", column), measured("pairs", column)) << column;
}

// Of three scenes held out two are learned from, of two one; then nothing could be kept back.
TEST_F(DamageEncoder, IsReadByANonLinearProbeFromTwoScenesOn) {
  const auto columns_with = [&](const std::string& out, const std::string& holdout) {
    const auto trained = train(out, {"--set", "train.steps=3", "--set", "train.validate_every=3",
                                     "--set", "validate.samples=120", "--set", holdout});
    EXPECT_EQ(trained.status, 0) << trained.err;
    return split(split(read_text(folder_ / out / "validation.csv"), '\n').at(0), ',');
  };
  const auto of_three = columns_with("three", "data.holdout=0.34");
  EXPECT_EQ(std::ranges::count(of_three, "degradation_kind_linear"), 1);
  EXPECT_EQ(std::ranges::count(of_three, "degradation_kind_deep"), 1);
  const auto of_two = columns_with("two", "data.holdout=0.23");
  EXPECT_EQ(std::ranges::count(of_two, "degradation_kind_linear"), 1);
  EXPECT_EQ(std::ranges::count(of_two, "degradation_kind_deep"), 0);
}

}  // namespace
}  // namespace chiaro::damage_encoder_test
