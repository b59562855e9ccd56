// Trainings that cannot begin leave no folder, and those that can pass over broken photos.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "chiaro/base/files.h"
#include "chiaro/base/rng.h"
#include "chiaro/base/text.h"
#include "tests/train_cli/tiny_training.h"

namespace chiaro::refused_runs_test {
namespace {

namespace fs = std::filesystem;

class RefusedRuns : public test::TinyTraining {
 protected:
  void expect_refused(const std::vector<std::string>& settings, const std::string& part) {
    EXPECT_EQ(train("run", settings), 2) << log();
    EXPECT_NE(log().find(part), std::string::npos) << log();
    EXPECT_EQ(log().find("libtorch"), std::string::npos) << log();
    EXPECT_FALSE(fs::exists(folder_ / "run"));
  }

  /// What the refusal of a measure that is none names as known.
  std::set<std::string> known_measures(const std::vector<std::string>& settings) {
    auto all = settings;
    all.emplace_back("train.best=nothing_like_it");
    expect_refused(all, "got 'nothing_like_it'");
    const std::string mark = "expected one of: ";
    const std::string rest = log().substr(log().find(mark) + mark.size());
    const auto names = split(rest.substr(0, rest.find('\n')), ',');
    std::set<std::string> known;
    for (const std::string& name : names) known.emplace(trim(name));
    return known;
  }

  /// The columns of a run's validation.csv, without "step".
  std::vector<std::string> measured(const std::string& run) const {
    const std::string text = read_text(folder_ / run / "validation.csv");
    auto columns = split(text.substr(0, text.find('\n')), ',');
    columns.erase(columns.begin());
    return columns;
  }

  /// A name that no other photo's is held out before.
  std::string first_name() const {
    const auto comes_first = [](const std::string& name) {
      for (const char* other : {"0", "1", "2", "3"}) {
        if (stable_hash(name) > stable_hash(other)) return false;
      }
      return true;
    };
    for (int i = 0;; ++i) {
      if (const std::string name = fmt::format("bad{}", i); comes_first(name)) return name;
    }
  }
};

TEST_F(RefusedRuns, CropsThatTheNetworkCannotTake) {
  // Two levels: multiples of 2; with one more: of 4.
  const std::vector<std::string> deeper{"network.channels=[8,8,12]", "network.encoder_blocks=[1,1]",
                                        "network.decoder_blocks=[1,1]"};
  const auto with = [&](const std::string& setting) {
    auto all = deeper;
    all.push_back(setting);
    return all;
  };
  expect_refused(with("data.crop_px=18"),
                 "[data.crop_px] network 'resunet' takes crops whose sides are multiples of 4 px; "
                 "got 18; expected 16 or 20");
  expect_refused(with("validate.crop_px=41"),
                 "[validate.crop_px] network 'resunet' takes crops whose sides are multiples of 4 "
                 "px; got 41; expected 40 or 44");
  auto unmeasured = with("validate.crop_px=41");
  unmeasured.insert(unmeasured.end(),
                    {"train.validate_every=0", "train.sample_every=0", "train.steps=1"});
  EXPECT_EQ(train("run", unmeasured), 0) << log();
}

TEST_F(RefusedRuns, AMeasureThatIsNone) {
  expect_refused({"train.best=pnsr"}, "[train.best]");
  EXPECT_NE(log().find("got 'pnsr' (did you mean 'psnr'?)"), std::string::npos) << log();
  expect_refused({"train.best=ssim_y"}, "[train.best]");
  expect_refused({"train.best=worse"}, "[train.best]");
  EXPECT_EQ(train("run", {"train.best=pnsr", "train.validate_every=0", "train.steps=1"}), 0)
      << log();
}

TEST_F(RefusedRuns, KnowWhatIsMeasured) {
  const std::vector<std::string> restorer{"train.steps=1", "validate.metrics=[psnr_y,ssim_y]"};
  const auto known = known_measures(restorer);
  ASSERT_EQ(train("restorer", restorer), 0) << log();
  auto columns = measured("restorer");
  EXPECT_EQ(std::erase(columns, "worse"), 1U);  // of which less is better
  EXPECT_EQ(known, std::set<std::string>(columns.begin(), columns.end()));
}

// What the outputs of a controller stand for goes by their order.
TEST_F(RefusedRuns, GoOnWithTheTasksTheyBeganWith) {
  ASSERT_EQ(train("run", {"train.steps=2"}), 0) << log();
  const std::string recipe = read_text(folder_ / "recipe.toml");
  write_file_atomically(folder_ / "recipe.toml",
                        recipe + "\n[[task]]\nname = \"more\"\nspec = \"clean\"\n");
  EXPECT_EQ(run({"train", path("recipe.toml"), "--out", path("run"), "--resume", "--set",
                 "train.steps=4"}),
            2)
      << log();
  EXPECT_NE(log().find("the recipe's tasks are '"), std::string::npos) << log();
  write_file_atomically(folder_ / "recipe.toml", recipe);
  EXPECT_EQ(run({"train", path("recipe.toml"), "--out", path("run"), "--resume", "--set",
                 "train.steps=4"}),
            0)
      << log();
}

TEST_F(RefusedRuns, ABrokenPhotoGivesWayToAGoodOne) {
  fs::remove(folder_ / "photos" / "3.png");
  const std::string bad = first_name() + ".jpg";
  std::ofstream(folder_ / "photos" / bad) << "not a picture";
  ASSERT_EQ(train("run", {"train.steps=2"}), 0) << log();
  EXPECT_NE(log().find("held out: photos: 1 picture"), std::string::npos) << log();
  EXPECT_NE(log().find("1 of 4 pictures could not be read and were left out"), std::string::npos)
      << log();
  const auto at = log().find(bad);
  ASSERT_NE(at, std::string::npos) << log();
  EXPECT_EQ(log().find(bad, at + 1), std::string::npos) << "named twice:\n" << log();
}

TEST_F(RefusedRuns, NothingIsSaidWhereEveryPhotoIsRead) {
  ASSERT_EQ(train("run", {"train.steps=2"}), 0) << log();
  EXPECT_EQ(log().find("could not be read"), std::string::npos) << log();
}

}  // namespace
}  // namespace chiaro::refused_runs_test
