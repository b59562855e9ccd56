// The training program as people run it: exit codes, killing and resuming, freezing and starting
// from a bundle.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "chiaro/base/files.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/freeze/freeze.h"
#include "chiaro/image/codec.h"
#include "tests/support/temporary_folder.h"

namespace chiaro {
namespace {

namespace fs = std::filesystem;

/// Starts chiaro-train with its messages in `log`; returns the process number.
pid_t start(const std::vector<std::string>& arguments, const fs::path& log) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  const std::string name = log.string();
  if (std::freopen(name.c_str(), "a", stderr) == nullptr) ::_exit(99);
  ::setenv("OMP_NUM_THREADS", "1", 1);
  std::vector<std::string> held = arguments;
  held.insert(held.begin(), CHIARO_TRAIN_PROGRAM);
  std::vector<char*> argv;
  for (auto& text : held) argv.push_back(text.data());
  argv.push_back(nullptr);
  ::execv(CHIARO_TRAIN_PROGRAM, argv.data());
  ::_exit(99);
}

/// Exit status, or 128 + signal.
int wait_for(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

class TrainCli : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_ / "photos");
    for (int i = 0; i < 4; ++i) {
      image::Image picture(3, 32, 32);
      for (int c = 0; c < 3; ++c) {
        for (int y = 0; y < 32; ++y) {
          for (int x = 0; x < 32; ++x)
            picture.at(c, y, x) = static_cast<float>((x * (i + 2) + y * (c + 1)) % 64) / 80.0F;
        }
      }
      image::write(folder_ / "photos" / fmt::format("{}.png", i), picture);
    }
    std::ofstream(folder_ / "recipe.toml") << R"toml(
name = "tiny"
[network]
name = "resunet"
channels = [8, 12]
encoder_blocks = [1]
middle_blocks = 1
decoder_blocks = [1]
[method]
name = "supervised"
[data]
crop_px = 16
batch = 2
holdout = 0.3
[[source]]
name = "photos"
folders = ["photos"]
[[task]]
name = "noise"
spec = "noise(sigma_u8=10..30)"
[train]
steps = 60
checkpoint_every = 7
validate_every = 20
sample_every = 60
log_every = 5
device = "cpu"
[validate]
samples = 4
crop_px = 16
)toml";
  }

  int run(std::vector<std::string> arguments) {
    std::error_code ignored;
    fs::remove(folder_ / "log", ignored);
    return wait_for(start(arguments, folder_ / "log"));
  }
  std::string log() const { return read_text(folder_ / "log"); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string last_checkpoint(const std::string& run) const {
    return read_text(folder_ / run / "checkpoints" / "step_000060.safetensors");
  }

  test::TemporaryFolder folder_;
};

TEST_F(TrainCli, KillingAndResumingChangesNoBit) {
  ASSERT_EQ(run({"train", path("recipe.toml"), "--out", path("straight")}), 0) << log();
  int kills = 0;
  for (int attempt = 0; attempt < 40; ++attempt) {
    std::vector<std::string> arguments{"train", path("recipe.toml"), "--out", path("killed")};
    if (fs::exists(folder_ / "killed" / "checkpoints")) arguments.push_back("--resume");
    const pid_t child = start(arguments, folder_ / "log");
    // Long enough to get past starting on a busy machine, and a little further each time.
    std::this_thread::sleep_for(std::chrono::milliseconds(250 + 60 * attempt));
    ::kill(child, attempt % 2 == 0 ? SIGKILL : SIGTERM);
    const int status = wait_for(child);
    if (status == 0) break;
    EXPECT_TRUE(status == 128 + SIGKILL || status == 130 || status == 128 + SIGTERM)
        << status << "\n"
        << log();
    ++kills;
  }
  EXPECT_GT(kills, 0);
  EXPECT_TRUE(last_checkpoint("straight") == last_checkpoint("killed"))
      << "after " << kills << " kills";
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
}  // namespace chiaro
