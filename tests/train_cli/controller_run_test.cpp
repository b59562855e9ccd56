// A controller from a plain folder: said when it collapses, calibrated when it is frozen.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "chiaro/base/files.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/image/codec.h"
#include "chiaro/restore/self_test.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::controller_run_test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRecipe = R"(
name = "controller"
[network]
name = "mmf_unet"
types = 3
channels = [4, 8]
encoder_blocks = [1]
middle_blocks = 1
decoder_blocks = [1]
[method]
name = "mmf"
loss = "l1"
width = 4
views = 1
controller_batch = 12
health_every = 2
[data]
crop_px = 16
context_px = 48
batch = 4
variants = 3
holdout = 0.3
[[source]]
name = "photos"
folders = ["."]
[[task]]
name = "noise"
spec = "{}"
[[task]]
name = "dark"
spec = "{}"
[[task]]
name = "clean"
spec = "clean"
[train]
steps = 30
threads = 1
device = "cpu"
log_every = 2
validate_every = 10
sample_every = 0
checkpoint_every = 30
[validate]
samples = 6
crop_px = 32
)";

class ControllerRun : public ::testing::Test {
 protected:
  test::ProcessResult run(std::vector<std::string> words) const {
    words.insert(words.begin(), CHIARO_TRAIN_PROGRAM);
    return test::run_process(words);
  }

  test::ProcessResult train(const std::string& photos, const std::string& noise,
                            const std::string& dark, double controller_share) const {
    std::ofstream(folder_ / "recipe.toml") << fmt::format(fmt::runtime(kRecipe), noise, dark);
    return run({"train", path("recipe.toml"), "--data", photos, "--out", path("run"), "--set",
                fmt::format("method.controller_share={}", controller_share)});
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  test::TemporaryFolder folder_;
};

/// The meters of the log.
std::string columns_of(const fs::path& run) {
  const std::string log = read_text(run / "losses.csv");
  return log.substr(0, log.find('\n')) + ",";
}

// Nothing differs, so that all embeddings coincide: each contrast is named, within one validation
// interval.
TEST_F(ControllerRun, ThatCollapsesIsSaid) {
  fs::create_directories(folder_ / "grey");
  for (int i = 0; i < 6; ++i) {
    image::Image picture(3, 64, 64);
    std::ranges::fill(picture.pixels(), 0.5F);
    image::write(folder_ / "grey" / fmt::format("{}.png", i), picture);
  }
  const auto trained = train(path("grey"), "gaussian_blur(sigma_px=1)", "jpeg(quality=50)", 0.8);
  ASSERT_EQ(trained.status, 0) << trained.err;
  const auto said = [&](const std::string& text) { return trained.err.find(text); };
  // What differs by less than can be told is collapsed, or at chance.
  for (const char* contrast :
       {"with the prototypes: ", "of damage: collapsed", "of content: collapsed"})
    EXPECT_NE(said(std::string("step 7: contrast ") + contrast), std::string::npos)
        << contrast << "\n"
        << trained.err;  // the fourth examination
}

// Three steps leave a controller sure of what it does not know.
TEST_F(ControllerRun, ShowsItsContrastsAndIsFrozenCalibrated) {
  const std::string photos = std::string(CHIARO_SOURCE_DIR) + "/examples/photos/clean";
  const auto trained = train(photos, "noise(sigma_u8=40)", "low_light(gain=0.2)", 0.1);
  ASSERT_EQ(trained.status, 0) << trained.err;
  const std::string columns = columns_of(folder_ / "run");
  for (const char* meter :
       {"contrast_collapsed", "contrast_floor", "contrast_alignment", "contrast_uniformity",
        "contrast_rank", "contrast_nearest_clean", "content_nearest_noise", "degradation_floor"})
    EXPECT_NE(columns.find(std::string(",") + meter + ","), std::string::npos) << meter << "\n"
                                                                               << columns;

  const auto frozen =
      run({"freeze", path("run"), "--data", photos, "-o", path("made.chiaro"), "--certify", "0"});
  ASSERT_EQ(frozen.status, 0) << frozen.err;
  EXPECT_NE(frozen.err.find("calibration error"), std::string::npos) << frozen.err;
  const auto bundle = bundle::read_bundle(folder_ / "made.chiaro");
  ASSERT_EQ(bundle.manifest.scores.size(), 2U);
  const auto& after = bundle.manifest.scores[0];
  const auto& before = bundle.manifest.scores[1];
  EXPECT_EQ(after.metric, "type_ece");
  EXPECT_EQ(before.metric, "type_ece_uncalibrated");
  EXPECT_EQ(after.set, "200 held-out samples");
  EXPECT_LT(after.value, before.value);
  EXPECT_NE(bundle.manifest.condition->temperature, 1);
  EXPECT_LE(before.value, 1);
  EXPECT_GT(bundle.manifest.condition->novelty_threshold, 0);
  const auto card = bundle.member(bundle::kCardMember);
  const std::string text(reinterpret_cast<const char*>(card.data()), card.size());
  EXPECT_NE(text.find("## Calibration"), std::string::npos) << text;
  EXPECT_NE(text.find(fmt::format("{:.3f} after", after.value)), std::string::npos) << text;
  EXPECT_TRUE(restore::verify(bundle, 1).first_difference.empty());
}

// Their outputs stand for the damages by number, and have the same shapes.
TEST_F(ControllerRun, IsNotAveragedWithOneThatNamesOtherDamages) {
  const std::string photos = std::string(CHIARO_SOURCE_DIR) + "/examples/photos/clean";
  const std::string noise = "noise(sigma_u8=40)";
  const std::string dark = "low_light(gain=0.2)";
  ASSERT_EQ(train(photos, noise, dark, 0.1).status, 0);
  const auto freeze_with = [&](const std::string& name, const std::vector<std::string>& others) {
    std::vector<std::string> words{"freeze", path("run"), "--data",    photos,
                                   "-o",     path(name),  "--certify", "0"};
    words.insert(words.end(), others.begin(), others.end());
    return run(words);
  };
  ASSERT_EQ(freeze_with("first.chiaro", {}).status, 0);
  const auto itself = freeze_with("mean.chiaro", {"--average-with", path("first.chiaro")});
  EXPECT_EQ(itself.status, 0) << itself.err;
  fs::rename(folder_ / "run", folder_ / "first");
  ASSERT_EQ(train(photos, dark, noise, 0.1).status, 0);
  for (const std::string other : {"first", "first.chiaro"}) {
    const auto refused = freeze_with("no.chiaro", {"--average-with", path(other)});
    EXPECT_EQ(refused.status, 2) << refused.err;
    EXPECT_NE(refused.err.find("name other damages"), std::string::npos) << refused.err;
    EXPECT_FALSE(fs::exists(folder_ / "no.chiaro"));
  }
}

}  // namespace
}  // namespace chiaro::controller_run_test
