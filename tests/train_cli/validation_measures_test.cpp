// What held-out pictures are measured by, against the metrics themselves.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "chiaro/base/files.h"
#include "chiaro/base/recipe.h"
#include "chiaro/base/text.h"
#include "chiaro/data/dataset.h"
#include "chiaro/image/codec.h"
#include "chiaro/metrics/psnr.h"
#include "chiaro/metrics/ssim.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::validation_measures_test {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kSamples = 6;

// Nothing is learned, so that the network gives back what it is given.
constexpr const char* kRecipe = R"toml(
name = "measured"
[network]
name = "dncnn"
depth = 3
width = 4
[method]
name = "supervised"
[data]
crop_px = 16
batch = 2
holdout = 0.5
[[source]]
name = "photos"
folders = ["photos"]
[[task]]
name = "noise"
spec = "noise(sigma_u8=10..40)"
[[task]]
name = "{}"
spec = "clean"
[train]
steps = 2
warmup_steps = 0
learning_rate = 0
final_rate = 0
threads = 1
device = "cpu"
validate_every = 2
sample_every = 0
checkpoint_every = 2
[validate]
samples = 6
crop_px = 24
)toml";

class ValidationMeasures : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_ / "photos");
    for (int i = 0; i < 6; ++i) {
      image::Image picture(3, 40, 40);
      for (int c = 0; c < 3; ++c) {
        for (int y = 0; y < 40; ++y) {
          for (int x = 0; x < 40; ++x)
            picture.at(c, y, x) = static_cast<float>((x * (i + 2) + y * (c + 1)) % 64) / 80.0F;
        }
      }
      image::write(folder_ / "photos" / fmt::format("{}.png", i), picture);
    }
    write_recipe("untouched");
  }

  void write_recipe(const std::string& second_task) const {
    std::ofstream(folder_ / "recipe.toml") << fmt::format(kRecipe, second_task);
  }

  test::ProcessResult train(const std::string& out,
                            const std::vector<std::string>& settings) const {
    std::vector<std::string> words{
        CHIARO_TRAIN_PROGRAM, "train", path("recipe.toml"), "--data", path(""), "--out", path(out)};
    for (const auto& setting : settings) words.insert(words.end(), {"--set", setting});
    return test::run_process(words);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  /// The one row of validation.csv.
  std::map<std::string, double> measured(const std::string& out) const {
    const auto lines = split(read_text(folder_ / out / "validation.csv"), '\n');
    const auto names = split(lines.at(0), ',');
    const auto cells = split(lines.at(1), ',');
    std::map<std::string, double> row;
    for (std::size_t i = 0; i < names.size(); ++i) row[names[i]] = std::stod(cells.at(i));
    return row;
  }

  test::TemporaryFolder folder_;
};

/// (1,3,H,W).
image::Image picture_of(const at::Tensor& values) {
  image::Image picture(3, static_cast<int>(values.size(2)), static_cast<int>(values.size(3)));
  const auto dense = values.clamp(0, 1).contiguous();
  std::copy_n(dense.data_ptr<float>(), dense.numel(), picture.pixels().begin());
  return picture;
}

TEST_F(ValidationMeasures, EqualTheMetrics) {
  const auto trained = train("run", {"validate.metrics=[psnr, psnr_y, ssim_y]"});
  ASSERT_EQ(trained.status, 0) << trained.err;
  Recipe recipe = parse_recipe(read_text(folder_ / "recipe.toml"), "recipe.toml");
  recipe.tables["data"].values["crop_px"] = std::int64_t{24};
  const data::Dataset held_out(recipe, folder_.path(), data::Part::Validation);
  const auto luma = [](metrics::Metric metric) { return metrics::preset("matlab", metric); };
  double psnr = 0;
  double psnr_y = 0;
  double ssim_y = 0;
  int noisy = 0;
  for (std::int64_t i = 0; i < kSamples; ++i) {
    const auto sample = held_out.batch(i, 1);
    const auto task = static_cast<std::size_t>(sample.task.item<std::int64_t>());
    if (held_out.tasks().at(task) != "noise") continue;
    const auto input = picture_of(sample.input);
    const auto target = picture_of(sample.target);
    psnr += metrics::psnr(input, target);
    psnr_y += metrics::psnr(input, target, luma(metrics::Metric::Psnr));
    ssim_y += metrics::ssim(input, target, luma(metrics::Metric::Ssim));
    ++noisy;
  }
  ASSERT_GT(noisy, 0);
  ASSERT_LT(noisy, kSamples);
  auto row = measured("run");
  EXPECT_NEAR(row.at("psnr_y"), psnr_y / noisy, 1e-6);
  EXPECT_NEAR(row.at("ssim_y"), ssim_y / noisy, 1e-6);
  EXPECT_NEAR(row.at("psnr"), psnr / noisy, 1e-4);
  EXPECT_GT(std::abs(row.at("psnr_y") - row.at("psnr")), 0.1);
  // Means are those of the damaged tasks; pictures given back as they are count 100 dB.
  EXPECT_EQ(row.at("psnr_y_noise"), row.at("psnr_y"));
  EXPECT_EQ(row.at("ssim_y_noise"), row.at("ssim_y"));
  EXPECT_EQ(row.at("psnr_y_untouched"), 100);
  EXPECT_NEAR(row.at("ssim_y_untouched"), 1, 1e-12);
}

TEST_F(ValidationMeasures, ArePsnrAloneUnlessAskedFor) {
  const auto trained = train("run", {});
  ASSERT_EQ(trained.status, 0) << trained.err;
  const auto text = read_text(folder_ / "run" / "validation.csv");
  EXPECT_TRUE(text.starts_with("step,gain,psnr,psnr_noise,psnr_untouched,worse\n2,0.0,"));
  const auto best = train("best", {"validate.metrics=[ssim_y]", "train.best=ssim_y"});
  EXPECT_EQ(best.status, 0) << best.err;
  EXPECT_EQ(measured("best").at("psnr"), measured("run").at("psnr"));
}

TEST_F(ValidationMeasures, ThatCannotBeTakenAreRefused) {
  const auto expect_refused = [&](const std::vector<std::string>& settings, const char* said) {
    const auto trained = train("none", settings);
    EXPECT_EQ(trained.status, 2) << trained.err;
    EXPECT_NE(trained.err.find(said), std::string::npos) << trained.err;
    EXPECT_FALSE(fs::exists(folder_ / "none" / "recipe.toml"));
  };
  expect_refused({"validate.metrics=[psnr, ssim]"}, "expected some of psnr, psnr_y, ssim_y");
  expect_refused({"validate.metrics=[psnr_y, psnr_y]"}, "each once");
  expect_refused({"validate.metrics=[ssim_y]", "validate.crop_px=10"}, "sides of 11 px; got 10");
  write_recipe("y");
  expect_refused({"validate.metrics=[psnr_y]"}, "another name of the task");
  EXPECT_EQ(train("y", {}).status, 0);
}

}  // namespace
}  // namespace chiaro::validation_measures_test
