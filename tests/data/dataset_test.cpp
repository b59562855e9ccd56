#include "chiaro/data/dataset.h"

#include <algorithm>
#include <fstream>
#include <set>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "chiaro/data/loader.h"
#include "chiaro/image/codec.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::data {
namespace {

std::string name(const char* prefix, int i) {
  return fmt::format("{}{}.png", prefix, i);
}

/// A picture whose every crop is distinguishable.
image::Image pattern(int height, int width, int phase) {
  image::Image picture(3, height, width);
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x)
        picture.at(c, y, x) =
            static_cast<float>((x * 7 + y * 13 + c * 50 + phase * 31) % 256) / 255.0F;
    }
  }
  return picture;
}

class DatasetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* folder : {"clean", "bad", "good"})
      std::filesystem::create_directories(folder_ / folder);
    for (int i = 0; i < 6; ++i) {
      image::write(folder_ / "clean" / name("c", i), pattern(40, 50, i));
      image::write(folder_ / "bad" / name("p", i), pattern(40, 40, 100 + i));
      image::write(folder_ / "good" / name("p", i), pattern(40, 40, 200 + i));
    }
  }

  std::string toml() const {
    return R"toml(
[data]
crop_px = 16
batch = 4
seed = 5
holdout = 0.3
[[source]]
name = "clean"
folders = ["clean"]
scale_max = 2.0
[[source]]
name = "pairs"
kind = "paired"
input = "bad"
target = "good"
task = "rain"
weight = 1.0
[[task]]
name = "noise"
spec = "noise(sigma_u8=10..20)"
weight = 3.0
)toml";
  }

  Recipe recipe(const std::string& extra = {}) const {
    return parse_recipe(toml() + extra, "test");
  }
  std::shared_ptr<Dataset> dataset(Recipe edited, Part part = Part::Training) const {
    return std::make_shared<Dataset>(edited, folder_.path(), part);
  }

  test::TemporaryFolder folder_;
};

bool equal(const Batch& a, const Batch& b) {
  return at::equal(a.input, b.input) && at::equal(a.target, b.target) &&
         at::equal(a.task, b.task) && a.origins == b.origins;
}

TEST_F(DatasetTest, SamplesArePureInSeedAndIndex) {
  const auto first = dataset(recipe());
  const auto second = dataset(recipe());
  second->batch(0, 9);  // what was drawn before must not matter
  EXPECT_TRUE(equal(first->batch(20, 4), second->batch(20, 4)));
  Recipe other = recipe();
  set_recipe_value(other, "data.seed=6");
  EXPECT_FALSE(equal(first->batch(20, 4), dataset(other)->batch(20, 4)));
}

TEST_F(DatasetTest, LoaderGivesTheSameBatchesForAnyNumberOfWorkers) {
  Recipe many = recipe();
  set_recipe_value(many, "data.workers=4");
  Loader one(dataset(recipe()), 3);
  Loader four(dataset(many), 3);
  const auto plain = dataset(recipe());
  for (std::int64_t b = 3; b < 9; ++b) {
    const Batch expected = plain->batch(b * 4, 4);
    EXPECT_TRUE(equal(one.next(), expected));
    EXPECT_TRUE(equal(four.next(), expected));
  }
}

TEST_F(DatasetTest, StreamsKeepTheirShares) {
  const auto set = dataset(recipe());
  ASSERT_EQ(set->tasks(), (std::vector<std::string>{"rain", "noise"}));
  const Batch batch = set->batch(0, 80);
  EXPECT_NEAR(batch.task.sum().item<double>(), 60, 1);  // noise has 3 of 4 parts
}

TEST_F(DatasetTest, PairsStayAlignedUnderCropScaleAndSymmetry) {
  for (int i = 0; i < 6; ++i) {  // target = 1 − input: any misalignment breaks the sum
    const auto input = image::read(folder_ / "bad" / name("p", i));
    image::Image target = input;
    for (float& value : target.pixels()) value = 1 - value;
    image::write(folder_ / "good" / name("p", i), target);
  }
  Recipe pairs_only = recipe();
  pairs_only.lists.erase("task");
  pairs_only.lists["source"][1].values["scale_max"] = 2.5;
  const Batch batch = dataset(pairs_only)->batch(0, 32);
  EXPECT_LT((batch.input + batch.target - 1).abs().max().item<double>(), 1e-5);
}

TEST_F(DatasetTest, HeldOutScenesAreNeverTrainedOn) {
  const auto names = [&](Part part) {
    const Batch batch = dataset(recipe(), part)->batch(0, 200);
    std::set<std::string> found;
    for (const auto& origin : batch.origins) found.insert(origin.substr(0, origin.find(' ')));
    return found;
  };
  const auto training = names(Part::Training);
  const auto validation = names(Part::Validation);
  EXPECT_EQ(training.size() + validation.size(), 12U);
  for (const auto& name : validation) EXPECT_FALSE(training.contains(name)) << name;
}

TEST_F(DatasetTest, SmallPicturesArePaddedByMirroring) {
  for (int i = 0; i < 6; ++i) image::write(folder_ / "clean" / name("c", i), pattern(5, 9, i));
  Recipe clean_only = recipe();
  clean_only.lists["source"].pop_back();
  EXPECT_EQ(dataset(clean_only)->batch(0, 4).input.sizes(), (at::IntArrayRef{4, 3, 16, 16}));
}

TEST_F(DatasetTest, BrokenFilesAreSkippedAndNamed) {
  std::ofstream(folder_ / "clean" / "c1.png") << "not a picture";
  const auto set = dataset(recipe());
  const Batch batch = set->batch(0, 100);
  for (const auto& origin : batch.origins) EXPECT_NE(origin.substr(0, 6), "c1.png");
}

TEST_F(DatasetTest, OnlyBrokenFilesIsAnError) {
  for (int i = 0; i < 6; ++i) std::ofstream(folder_ / "clean" / name("c", i)) << "broken";
  Recipe clean_only = recipe();
  clean_only.lists["source"].pop_back();
  EXPECT_CHIARO_ERROR(dataset(clean_only)->batch(0, 4), Input, "broken");
}

TEST_F(DatasetTest, BadRecipesAreRefusedWithTheirFault) {
  Recipe empty_folder = recipe();
  std::filesystem::create_directories(folder_ / "empty");
  empty_folder.lists["source"][0].values["folders"] = std::vector<std::string>{"empty"};
  EXPECT_CHIARO_ERROR(dataset(empty_folder), Input, "no pictures");

  Recipe missing = recipe();
  missing.lists["source"][0].values["folders"] = std::vector<std::string>{"nowhere"};
  EXPECT_CHIARO_ERROR(dataset(missing), Input, "nowhere");

  Recipe typo = recipe();
  typo.lists["source"][0].values["folder"] = std::string("clean");
  EXPECT_CHIARO_ERROR(dataset(typo), Usage, "did you mean 'folders'");

  Recipe nothing = recipe();
  nothing.lists.clear();
  EXPECT_CHIARO_ERROR(dataset(nothing), Usage, "[[source]]");

  Recipe reversed = recipe();
  reversed.lists["source"][0].values["scale_min"] = 3.0;
  EXPECT_CHIARO_ERROR(dataset(reversed), Usage, "scale_min");

  std::filesystem::remove(folder_ / "good" / "p3.png");
  EXPECT_CHIARO_ERROR(dataset(recipe()), Input, "p3.png");
}

TEST_F(DatasetTest, PairsOfUnequalSizeAreRefused) {
  for (int i = 0; i < 6; ++i) image::write(folder_ / "good" / name("p", i), pattern(40, 38, i));
  Recipe pairs_only = recipe();
  pairs_only.lists.erase("task");
  EXPECT_CHIARO_ERROR(dataset(pairs_only)->batch(0, 4), Input, "40x40");
}

TEST_F(DatasetTest, LoaderPassesAFailureOn) {
  for (int i = 0; i < 6; ++i) image::write(folder_ / "good" / name("p", i), pattern(40, 38, i));
  Recipe pairs_only = recipe();
  pairs_only.lists.erase("task");
  Loader loader(dataset(pairs_only), 0);
  EXPECT_CHIARO_ERROR(loader.next(), Input, "40x40");
}

}  // namespace
}  // namespace chiaro::data
