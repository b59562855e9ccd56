// A training that takes a second: four photos, a small network, the program.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "chiaro/base/files.h"
#include "chiaro/image/codec.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::test {

class TinyTraining : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("OMP_NUM_THREADS", "1", 1);
    std::filesystem::create_directories(folder_ / "photos");
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

  static std::vector<std::string> words(const std::vector<std::string>& arguments) {
    std::vector<std::string> all{CHIARO_TRAIN_PROGRAM};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return all;
  }

  /// `chiaro-train ARGUMENTS`; its exit status.
  int run(const std::vector<std::string>& arguments) {
    last_ = run_process(words(arguments));
    return last_.status;
  }
  /// `chiaro-train train RECIPE --out OUT`, with some values of its own.
  int train(const std::string& out, const std::vector<std::string>& settings = {},
            const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"train", path("recipe.toml"), "--out", path(out)};
    for (const std::string& setting : settings)
      arguments.insert(arguments.end(), {"--set", setting});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }
  /// What the last one said on stderr and stdout.
  const std::string& log() const { return last_.err; }
  const std::string& out() const { return last_.out; }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  TemporaryFolder folder_;

 private:
  ProcessResult last_;
};

}  // namespace chiaro::test
