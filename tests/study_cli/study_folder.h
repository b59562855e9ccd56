// A folder with a tiny recipe on the example photos, and studies of it.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::test {

/// Cells by column, read without the code under test.
inline std::vector<std::map<std::string, std::string>> csv(const std::filesystem::path& file) {
  std::vector<std::map<std::string, std::string>> rows;
  std::vector<std::string> columns;
  std::ifstream stream(file);
  EXPECT_TRUE(stream.good()) << file;
  for (std::string line; std::getline(stream, line);) {
    std::vector<std::string> cells;
    std::istringstream parts(line);
    for (std::string cell; std::getline(parts, cell, ',');) cells.push_back(cell);
    if (columns.empty()) {
      columns = cells;
      continue;
    }
    rows.emplace_back();
    for (std::size_t i = 0; i < cells.size(); ++i) rows.back()[columns.at(i)] = cells[i];
  }
  return rows;
}

inline constexpr const char* kTinyRecipe = R"toml(
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
folders = ["PHOTOS"]
scale_max = 2.0
[[task]]
name = "noise"
spec = "noise(sigma_u8=10..30)"
[train]
steps = 4
checkpoint_every = 50
validate_every = 2
sample_every = 0
log_every = 1
threads = 1
device = "cpu"
[validate]
samples = 4
crop_px = 16
)toml";

inline constexpr const char* kTwoArms = R"toml(
name = "loss"
question = "Does the mean squared error do better than Charbonnier's?"
base = "recipe.toml"
seeds = [1, 2]
[[arm]]
name = "plain"
control = true
[[arm]]
name = "squared"
set = ["method.loss=mse"]
[measure]
metrics = ["psnr", "worse"]
)toml";

class StudyCli : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("OMP_NUM_THREADS", "1", 1);
    std::string recipe = kTinyRecipe;
    const std::string photos = CHIARO_SOURCE_DIR "/examples/photos/clean";
    recipe.replace(recipe.find("PHOTOS"), 6, photos);
    write("recipe.toml", recipe);
    write("study.toml", kTwoArms);
  }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string read(const std::string& name) const {
    std::ifstream stream(folder_ / name, std::ios::binary);
    EXPECT_TRUE(stream.good()) << name;
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  std::vector<std::string> command(const std::string& study, const std::string& out,
                                   const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{CHIARO_TRAIN_PROGRAM, "study", path(study), "--out", path(out)};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  ProcessResult study(const std::string& study, const std::string& out,
                      const std::vector<std::string>& more = {}) const {
    return run_process(command(study, out, more));
  }

  /// One sentence, the code, and nothing half written.
  void expect_refusal(const std::string& study_text, int status, const std::string& part) const {
    write("bad.toml", study_text);
    const auto result = study("bad.toml", "bad");
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    EXPECT_FALSE(std::filesystem::exists(folder_ / "bad" / "runs")) << study_text;
  }

  TemporaryFolder folder_;
};

/// The text with one part exchanged.
inline std::string exchange(std::string text, const std::string& part, const std::string& with) {
  const auto at = text.find(part);
  EXPECT_NE(at, std::string::npos) << part;
  if (at != std::string::npos) text.replace(at, part.size(), with);
  return text;
}

}  // namespace chiaro::test
