// The training program as people run it: exit codes, killing and resuming, freezing and starting
// from a bundle.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "chiaro/base/files.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/checkpoint/run_folder.h"
#include "chiaro/freeze/freeze.h"
#include "tests/train_cli/tiny_training.h"

namespace chiaro::train_cli_test {
namespace {

namespace fs = std::filesystem;

class TrainCli : public test::TinyTraining {
 protected:
  std::string last_checkpoint(const std::string& run) const {
    return read_text(checkpoint::list_checkpoints(folder_ / run).back().second);
  }
};

/// The newest checkpoint of a run; -1 where there is none.
std::int64_t step_of(const fs::path& run) {
  const auto stored = checkpoint::list_checkpoints(run);
  return stored.empty() ? -1 : stored.back().first;
}

TEST_F(TrainCli, KillingAndResumingChangesNoBit) {
  constexpr std::int64_t kLast = 200;
  const std::string steps = fmt::format("train.steps={}", kLast);
  ASSERT_EQ(train("straight", {steps}), 0) << log();
  std::vector<std::string> call{"train", path("recipe.toml"), "--out", path("killed"), "--set",
                                steps};
  std::int64_t reached = 0;
  for (int kills = 0; kills < 4; ++kills) {
    const test::Process child(words(call));
    const bool goes_on =
        test::within_a_minute([&] { return step_of(folder_ / "killed") > reached; });
    std::this_thread::sleep_for(std::chrono::milliseconds(7 * kills));
    child.signal(kills % 2 == 0 ? SIGKILL : SIGTERM);
    const auto killed = child.finish();
    ASSERT_TRUE(goes_on) << killed.err;
    ASSERT_EQ(killed.status, 128 + (kills % 2 == 0 ? SIGKILL : SIGTERM)) << killed.err;
    EXPECT_EQ(killed.exited, kills % 2 == 1) << "SIGTERM is noted, and ends the run in its order";
    EXPECT_EQ(killed.err.find("resuming '") != std::string::npos, kills > 0) << killed.err;
    reached = step_of(folder_ / "killed");
    ASSERT_GT(reached, 0);
    ASSERT_LT(reached, kLast);
    if (kills == 0) call.push_back("--resume");
  }
  ASSERT_EQ(run(call), 0) << log();
  EXPECT_NE(log().find("resuming '"), std::string::npos) << log();
  EXPECT_TRUE(last_checkpoint("straight") == last_checkpoint("killed"));
  EXPECT_TRUE(read_text(folder_ / "straight" / "validation.csv") ==
              read_text(folder_ / "killed" / "validation.csv"));
}

TEST_F(TrainCli, FreezesAndStartsFromTheBundle) {
  ASSERT_EQ(run({"train", path("recipe.toml"), "--out", path("run"), "--set", "train.steps=20"}), 0)
      << log();
  EXPECT_TRUE(fs::exists(folder_ / "run" / "samples" / "step_0000020.png"));
  ASSERT_EQ(run({"freeze", path("run"), "-o", path("tiny.chiaro"), "--data",
                 folder_.path().string(), "--certify", "0"}),
            0)
      << log();
  const auto frozen = bundle::read_bundle(folder_ / "tiny.chiaro");
  EXPECT_EQ(frozen.manifest.network, "resunet");
  EXPECT_EQ(frozen.manifest.labels, std::vector<std::string>{"noise"});
  // Starting from it without taking a step that moves the weights, and freezing again, gives the
  // same graph.
  ASSERT_EQ(run({"train", path("recipe.toml"), "--out", path("again"), "--from",
                 path("tiny.chiaro"), "--set", "train.steps=1", "--set", "train.learning_rate=0.0",
                 "--set", "train.final_rate=0.0"}),
            0)
      << log();
  fs::create_directories(folder_ / "second");
  ASSERT_EQ(run({"freeze", path("again"), "-o", path("second/tiny.chiaro"), "--certify", "0"}), 0)
      << log();
  const auto again = bundle::read_bundle(folder_ / "second" / "tiny.chiaro");
  EXPECT_TRUE(frozen.text("restore.onnx") == again.text("restore.onnx"));
}

TEST_F(TrainCli, ReplacesABundleOnRequestAlone) {
  ASSERT_EQ(run({"train", path("recipe.toml"), "--out", path("run"), "--set", "train.steps=2"}), 0)
      << log();
  write_file_atomically(folder_ / "old.chiaro", std::string_view("precious"));
  std::vector<std::string> call{"freeze", path("run"), "-o", path("old.chiaro"), "--certify", "0"};
  EXPECT_EQ(run(call), 4) << log();
  EXPECT_NE(log().find("old.chiaro' exists already; --overwrite replaces it"), std::string::npos)
      << log();
  EXPECT_EQ(read_text(folder_ / "old.chiaro"), "precious");
  call.push_back("--overwrite");
  EXPECT_EQ(run(call), 0) << log();
  EXPECT_EQ(bundle::read_bundle(folder_ / "old.chiaro").manifest.network, "resunet");
}

TEST_F(TrainCli, FreezesTheMeanOfSeveralRuns) {
  for (const std::string seed : {"1", "2"}) {
    ASSERT_EQ(run({"train", path("recipe.toml"), "--out", path("run" + seed), "--set",
                   "train.steps=8", "--set", "data.seed=" + seed}),
              0)
        << log();
    ASSERT_EQ(run({"freeze", path("run" + seed), "-o", path(seed + ".chiaro"), "--certify", "0"}),
              0)
        << log();
  }
  const auto mean_with = [&](const std::string& other, const std::string& folder) {
    fs::create_directories(folder_ / folder);
    const std::string name = folder + "/mean.chiaro";
    EXPECT_EQ(run({"freeze", path("run1"), "-o", path(name), "--certify", "0", "--average-with",
                   path(other)}),
              0)
        << log();
    return bundle::read_bundle(folder_ / name);
  };
  const auto mean = mean_with("2.chiaro", "bundle");
  EXPECT_TRUE(mean.text("restore.onnx") == mean_with("run2", "folder").text("restore.onnx"));
  EXPECT_NE(mean.text("card.md").find("those of 2.chiaro count as much"), std::string::npos);
  const auto network = freeze::thaw(mean);
  const auto first = freeze::thaw(bundle::read_bundle(folder_ / "1.chiaro"))->named_parameters();
  const auto second = freeze::thaw(bundle::read_bundle(folder_ / "2.chiaro"))->named_parameters();
  bool differ = false;
  for (const auto& item : network->named_parameters()) {
    const at::Tensor expected = (first[item.key()] + second[item.key()]) / 2;
    EXPECT_TRUE(at::allclose(item.value(), expected, 1e-6, 1e-7)) << item.key();
    differ = differ || !at::equal(first[item.key()], second[item.key()]);
  }
  EXPECT_TRUE(differ);

  ASSERT_EQ(run({"train", path("recipe.toml"), "--out", path("wider"), "--set", "train.steps=1",
                 "--set", "network.channels=[8,16]"}),
            0)
      << log();
  EXPECT_EQ(run({"freeze", path("run1"), "-o", path("no.chiaro"), "--certify", "0",
                 "--average-with", path("wider")}),
            2);
  EXPECT_NE(log().find("is another network"), std::string::npos) << log();
  EXPECT_FALSE(fs::exists(folder_ / "no.chiaro"));
}

TEST_F(TrainCli, ProvesThatResumingIsExact) {
  EXPECT_EQ(run({"train", path("recipe.toml"), "--out", path("proof"), "--prove-resume", "4"}), 0)
      << log();
  EXPECT_FALSE(fs::exists(folder_ / "proof"));
}

// Lagged copies, ages, averages of the automatic weight and drawn negatives are in the checkpoint.
TEST_F(TrainCli, ProvesThatResumingIsExactWithLaggedCopies) {
  for (const char* setting :
       {"method.refresh=interval", "method.refresh=adaptive", "method.negatives=one"}) {
    EXPECT_EQ(run({"train", path("recipe.toml"), "--out", path("proof"), "--prove-resume", "12",
                   "--set", "method.name=spn", "--set", "method.share=0.03", "--set",
                   "method.random_width=4", "--set", setting}),
              0)
        << log();
  }
}

TEST_F(TrainCli, ResumingByFolderFindsTheData) {
  ASSERT_EQ(run({"train", path("recipe.toml"), "--out", path("elsewhere/run"), "--set",
                 "train.steps=8", "--stop-after", "3"}),
            0)
      << log();
  EXPECT_EQ(run({"train", "--resume", "--out", path("elsewhere/run")}), 0) << log();
}

TEST_F(TrainCli, FaultsHaveOneSentenceAndACode) {
  EXPECT_EQ(run({"train", path("nowhere.toml"), "--out", path("x")}), 3);
  EXPECT_NE(log().find("nowhere.toml"), std::string::npos) << log();

  EXPECT_EQ(run({"train", path("recipe.toml"), "--out", path("x"), "--set", "train.step=5"}), 2);
  EXPECT_NE(log().find("did you mean 'steps'"), std::string::npos) << log();

  EXPECT_EQ(
      run({"train", path("recipe.toml"), "--out", path("x"), "--set", "train.learning_rate=-1.0"}),
      2);
  EXPECT_NE(log().find("out of range"), std::string::npos) << log();

  EXPECT_EQ(run({"train", path("recipe.toml"), "--out", path("x"), "--set", "network.name=resnet"}),
            2);
  EXPECT_NE(log().find("did you mean 'resunet'"), std::string::npos) << log();

  EXPECT_EQ(run({"train", path("recipe.toml"), "--out", path("x"), "--data", path("nothing")}), 3);
  EXPECT_EQ(run({"train", "--out", path("x")}), 2);
  EXPECT_EQ(run({"freeze", path("nothing"), "-o", path("y.chiaro")}), 3);
  EXPECT_FALSE(fs::exists(folder_ / "y.chiaro"));

  EXPECT_EQ(
      run({"train", path("recipe.toml"), "--out", path("x"), "--set", "method.name=spn", "--set",
           "method.features=vgg16", "--set", "method.feature_file=none.safetensors"}),
      3);
  EXPECT_NE(log().find("none.safetensors"), std::string::npos) << log();
  EXPECT_FALSE(fs::exists(folder_ / "x" / "recipe.toml"));

  ASSERT_EQ(run({"train", path("recipe.toml"), "--out", path("z"), "--set", "train.steps=2"}), 0);
  EXPECT_EQ(run({"train", path("recipe.toml"), "--out", path("z"), "--set", "train.steps=2"}), 2);
  EXPECT_NE(log().find("--resume"), std::string::npos) << log();
}

}  // namespace
}  // namespace chiaro::train_cli_test
