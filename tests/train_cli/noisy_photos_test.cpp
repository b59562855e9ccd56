// Pre-training on a folder of noisy photos by the recipe that ships, and fine-tuning from it.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "chiaro/base/files.h"
#include "chiaro/base/rng.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/checkpoint/checkpoint.h"
#include "chiaro/image/codec.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::noisy_photos_test {
namespace {

namespace fs = std::filesystem;

const std::string kRecipes = std::string(CHIARO_SOURCE_DIR) + "/recipes/";

class NoisyPhotos : public ::testing::Test {
 protected:
  void SetUp() override { write_photos(6, 64); }

  /// Waves under noise whose strength differs from photo to photo.
  void write_photos(int count, int side) const {
    fs::remove_all(folder_ / "noisy");
    fs::create_directories(folder_ / "noisy");
    for (int i = 0; i < count; ++i) {
      Rng rng(static_cast<std::uint64_t>(i));
      image::Image picture(3, side, side);
      for (int c = 0; c < 3; ++c) {
        for (int y = 0; y < side; ++y) {
          for (int x = 0; x < side; ++x) {
            const double wave = 0.5 + 0.2 * std::sin(0.2 * (i + 1) * x + 0.1 * y + c);
            picture.at(c, y, x) = static_cast<float>(wave + 0.03 * (i + 1) * rng.normal());
          }
        }
      }
      image::sanitize(picture);
      image::write(folder_ / "noisy" / fmt::format("{}.png", i), picture);
    }
  }

  test::ProcessResult run(std::vector<std::string> words) const {
    words.insert(words.begin(), CHIARO_TRAIN_PROGRAM);
    return test::run_process(words);
  }

  /// `chiaro-train train recipes/NAME --data noisy`, small and short.
  test::ProcessResult train(const std::string& recipe, const std::string& out,
                            const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{"train",   kRecipes + recipe, "--out",
                                   path(out), "--data",          path("noisy")};
    for (const char* setting :
         {"train.steps=12", "data.crop_px=16", "data.context_px=40", "data.batch=4",
          "train.validate_every=6", "train.sample_every=12", "train.log_every=2",
          "train.checkpoint_every=6", "validate.samples=4", "validate.crop_px=32",
          "train.device=cpu", "train.threads=1"}) {
      words.insert(words.end(), {"--set", setting});
    }
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  test::TemporaryFolder folder_;
};

TEST_F(NoisyPhotos, NeedNothingElseToTrainAndFreezeADenoiser) {
  const auto trained = train("rcl.toml", "run");
  ASSERT_EQ(trained.status, 0) << trained.err;
  const std::string validation = read_text(folder_ / "run" / "validation.csv");
  EXPECT_TRUE(validation.starts_with("step,pretext\n6,-")) << validation;
  EXPECT_NE(read_text(folder_ / "run" / "losses.csv").find("contrast_collapsed"),
            std::string::npos);
  EXPECT_TRUE(fs::exists(folder_ / "run" / "checkpoints" / "best.safetensors"));
  EXPECT_TRUE(fs::exists(folder_ / "run" / "samples" / "step_0000012.png"));

  const auto frozen = run({"freeze", path("run"), "-o", path("rcl.chiaro")});
  ASSERT_EQ(frozen.status, 0) << frozen.err;
  const auto bundle = bundle::read_bundle(folder_ / "rcl.chiaro");
  EXPECT_EQ(bundle.manifest.method, "rcl");
  EXPECT_FALSE(bundle.manifest.precision.has_value());  // nothing to measure it on

  const auto tuned =
      run({"train", kRecipes + "rcl_finetune.toml", "--data",
           std::string(CHIARO_SOURCE_DIR) + "/examples/photos/clean", "--from", path("rcl.chiaro"),
           "--out", path("tuned"), "--set", "train.steps=2", "--set", "data.crop_px=16", "--set",
           "validate.samples=4", "--set", "validate.crop_px=32", "--set", "train.threads=1"});
  EXPECT_EQ(tuned.status, 0) << tuned.err;
  EXPECT_NE(tuned.err.find("mine: 3 pictures"), std::string::npos) << tuned.err;
}

TEST_F(NoisyPhotos, ResumingIsExact) {
  const auto proof = train("rcl.toml", "proof", {"--prove-resume", "5"});
  EXPECT_EQ(proof.status, 0) << proof.err;
}

TEST_F(NoisyPhotos, ValidatingMovesNoStatistics) {
  std::string recipe = read_text(kRecipes + "rcl.toml");
  const auto begin = recipe.find("[network]");
  recipe.replace(begin, recipe.find("[method]") - begin,
                 "[network]\nname = \"dncnn\"\ndepth = 3\nwidth = 4\nbatch_norm = true\n");
  std::ofstream(folder_ / "normed.toml") << recipe;
  std::vector<at::Tensor> means;
  for (const char* every : {"3", "0"}) {
    const std::string out = std::string("every_") + every;
    const auto trained = run({"train",  path("normed.toml"),
                              "--out",  path(out),
                              "--data", path("noisy"),
                              "--set",  "train.steps=6",
                              "--set",  "data.crop_px=16",
                              "--set",  "data.context_px=40",
                              "--set",  "data.batch=4",
                              "--set",  "train.sample_every=0",
                              "--set",  "validate.samples=4",
                              "--set",  "validate.crop_px=32",
                              "--set",  "train.threads=1",
                              "--set",  "train.device=cpu",
                              "--set",  std::string("train.validate_every=") + every});
    ASSERT_EQ(trained.status, 0) << trained.err;
    const auto state =
        checkpoint::load(folder_ / out / "checkpoints" / "step_000006.safetensors").tensors;
    for (const auto& [name, tensor] : state)
      if (name.ends_with("running_mean")) means.push_back(tensor);
  }
  ASSERT_EQ(means.size(), 2U);
  EXPECT_NE(means[0].abs().max().item<float>(), 0);
  EXPECT_TRUE(at::equal(means[0], means[1]));
}

TEST_F(NoisyPhotos, OneNoiseForAllIsSaid) {
  for (int i = 1; i < 24; ++i) {
    fs::copy_file(folder_ / "noisy" / "0.png", folder_ / "noisy" / fmt::format("{}.png", i),
                  fs::copy_options::overwrite_existing);
  }
  const auto trained =
      train("rcl.toml", "run", {"--set", "method.health_every=1", "--set", "data.batch=16"});
  EXPECT_EQ(trained.status, 0) << trained.err;
  EXPECT_NE(trained.err.find("at chance"), std::string::npos) << trained.err;
}

TEST_F(NoisyPhotos, SmallerThanTheWindowTheyArePadded) {
  write_photos(4, 24);
  const auto trained = train("rcl.toml", "run");
  EXPECT_EQ(trained.status, 0) << trained.err;
}

TEST_F(NoisyPhotos, FaultsHaveOneSentenceAndACode) {
  const auto no_room = train("rcl.toml", "x", {"--set", "data.context_px=20"});
  EXPECT_EQ(no_room.status, 2);
  EXPECT_NE(no_room.err.find("data.context_px of at least 32"), std::string::npos) << no_room.err;

  const auto unlabelled = train("rcl.toml", "y", {"--set", "method.name=supervised"});
  EXPECT_EQ(unlabelled.status, 2);
  EXPECT_NE(unlabelled.err.find("'supervised' needs targets"), std::string::npos) << unlabelled.err;

  write_photos(1, 64);
  const auto alone = train("rcl.toml", "z");
  EXPECT_EQ(alone.status, 2);
  EXPECT_NE(alone.err.find("left to validate on"), std::string::npos) << alone.err;
}

}  // namespace
}  // namespace chiaro::noisy_photos_test
