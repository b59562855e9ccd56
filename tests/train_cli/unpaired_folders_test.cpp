// Two plain folders, damaged and clean pictures of unlike things, by the recipe that ships.
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "chiaro/base/files.h"
#include "chiaro/base/rng.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/image/codec.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::unpaired_folders_test {
namespace {

namespace fs = std::filesystem;

class UnpairedFolders : public ::testing::Test {
 protected:
  void SetUp() override {
    write("damaged", 5, 40, true);
    write("clean", 4, 36, false);
  }

  /// Soft ramps, some under bright lines.
  void write(const char* folder, int count, int side, bool streaks) const {
    fs::remove_all(folder_ / folder);
    fs::create_directories(folder_ / folder);
    for (int i = 0; i < count; ++i) {
      Rng rng(static_cast<std::uint64_t>(i), {stable_hash(folder)});
      const double slope = rng.uniform(0.2, 0.6);
      image::Image picture(3, side, side + 4);
      for (int c = 0; c < 3; ++c) {
        for (int y = 0; y < side; ++y) {
          for (int x = 0; x < side + 4; ++x) {
            const bool wet = streaks && (x + y / 3 + 2 * i) % 7 == 0;
            picture.at(c, y, x) = static_cast<float>(0.1 + slope * y / side + (wet ? 0.3 : 0));
          }
        }
      }
      image::write(folder_ / folder / fmt::format("{}.png", i), picture);
    }
  }

  /// `chiaro-train train recipes/nlcl.toml --data here`, small and short.
  test::ProcessResult train(const std::string& out, std::vector<std::string> more = {}) const {
    std::vector<std::string> words{CHIARO_TRAIN_PROGRAM,
                                   "train",
                                   std::string(CHIARO_SOURCE_DIR) + "/recipes/nlcl.toml",
                                   "--data",
                                   path(""),
                                   "--out",
                                   path(out)};
    for (const char* setting :
         {"train.steps=8", "data.crop_px=24", "data.batch=2", "method.window_px=12",
          "method.damage_patches=12", "method.location=0.1", "method.location_patches=16",
          "method.discriminator_width=4", "method.head_width=8", "train.validate_every=4",
          "train.sample_every=8", "train.log_every=2", "train.checkpoint_every=4",
          "validate.samples=2", "validate.crop_px=32", "train.device=cpu", "train.threads=1"}) {
      words.insert(words.end(), {"--set", setting});
    }
    words.insert(words.end(), more.begin(), more.end());
    return test::run_process(words);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  test::TemporaryFolder folder_;
};

TEST_F(UnpairedFolders, AreAllItTakes) {
  const auto trained = train("run");
  ASSERT_EQ(trained.status, 0) << trained.err;
  EXPECT_NE(trained.err.find("damaged: 3 pictures, clean: 3 pictures"), std::string::npos)
      << trained.err;
  EXPECT_TRUE(read_text(folder_ / "run" / "validation.csv").starts_with("step,pretext\n4,"));
  const std::string losses = read_text(folder_ / "run" / "losses.csv");
  for (const char* column : {"discriminator", "adversarial", "layer", "location", "sparsity",
                             "damage_mean", "layer_collapsed", "location_nearest"})
    EXPECT_NE(losses.find(column), std::string::npos) << column;
  const auto frozen = test::run_process(
      {CHIARO_TRAIN_PROGRAM, "freeze", path("run"), "-o", path("nlcl.chiaro"), "--certify", "0"});
  ASSERT_EQ(frozen.status, 0) << frozen.err;
  const auto bundle = bundle::read_bundle(folder_ / "nlcl.chiaro");
  EXPECT_EQ(bundle.manifest.method, "nlcl");
  // The bundle holds the restorer; discriminator and heads stay behind.
  // Convolutions 3 → 16, four of 16 → 16, 16 → 3, all 3×3 with offsets.
  EXPECT_EQ(bundle.manifest.parameters, 448 + 4 * 2320 + 435);
}

TEST_F(UnpairedFolders, ResumeExactlyWithTheDiscriminator) {
  for (const char* layers : {"one", "two"}) {
    const auto proved = train(fmt::format("proof_{}", layers),
                              {"--set", fmt::format("method.layers={}", layers), "--set",
                               "method.drift_limit=1", "--prove-resume", "4"});
    EXPECT_EQ(proved.status, 0) << proved.err;
    EXPECT_NE(proved.out.find("resuming is exact"), std::string::npos) << proved.out;
  }
}

TEST_F(UnpairedFolders, PicturesSmallerThanTheCropAreMirrored) {
  write("damaged", 5, 14, true);
  write("clean", 4, 14, false);
  const auto trained = train("run");
  EXPECT_EQ(trained.status, 0) << trained.err;
}

TEST_F(UnpairedFolders, OneNormOverBothSidesOfTheGameIsRefused) {
  const auto refused = train("run", {"--set", "train.clip_norm=1"});
  EXPECT_EQ(refused.status, 2) << refused.err;
  EXPECT_NE(refused.err.find("[train.clip_norm]"), std::string::npos) << refused.err;
}

TEST_F(UnpairedFolders, WhatIsMissingIsSaid) {
  write("damaged", 1, 40, true);
  const auto one = train("one");
  EXPECT_EQ(one.status, 2);
  EXPECT_NE(one.err.find("no picture is left to validate on"), std::string::npos) << one.err;
  write("damaged", 5, 40, true);
  write("clean", 1, 40, false);
  EXPECT_EQ(train("one_clean").status, 0);  // one clean picture is little, but works
  fs::remove_all(folder_ / "clean");
  const auto none = train("none");
  EXPECT_EQ(none.status, 3);
  EXPECT_NE(none.err.find("clean"), std::string::npos) << none.err;
  EXPECT_FALSE(fs::exists(folder_ / "none" / "checkpoints"));
}

}  // namespace
}  // namespace chiaro::unpaired_folders_test
