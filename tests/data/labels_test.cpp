// Pictures without targets, and shares of those that have one.
#include <algorithm>
#include <set>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "chiaro/data/dataset.h"
#include "chiaro/image/codec.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::data::labels_test {
namespace {

constexpr int kPictures = 20;

class LabelsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_ / "photos");
    for (int i = 0; i < kPictures; ++i) write(i, 40, 50);
  }

  /// Grey of a value that names the picture.
  void write(int i, int height, int width) const {
    const image::Image picture(3, height, width, static_cast<float>(10 * i) / 255);
    image::write(folder_ / "photos" / fmt::format("{:02}.png", i), picture);
  }

  Dataset dataset(const std::string& sources, const std::string& data = {},
                  Part part = Part::Training) const {
    return Dataset(
        parse_recipe("[data]\ncrop_px = 16\nholdout = 0.2\n" + data + "\n" + sources, "t"),
        folder_.path(), part);
  }

  static std::set<std::string> pictures_of(const Dataset& set) {
    std::set<std::string> names;
    for (const auto& origin : set.batch(0, 400).origins) names.insert(origin.substr(0, 6));
    return names;
  }

  const std::string noisy_ =
      "[[source]]\nname = \"mine\"\nkind = \"noisy\"\nfolders = [\"photos\"]\n";
  const std::string clean_ =
      "[[source]]\nname = \"clean\"\nfolders = [\"photos\"]\n[[task]]\nname = \"noise\"\n"
      "spec = \"noise(sigma_u8=10..20)\"\n";
  test::TemporaryFolder folder_;
};

TEST_F(LabelsTest, NoisyPicturesNeedNothingElseAndHaveNoTarget) {
  const auto set = dataset(noisy_, "context_px = 32");
  EXPECT_FALSE(set.has_targets());
  EXPECT_EQ(set.tasks(), std::vector<std::string>{"noisy"});
  EXPECT_EQ(set.summary(), "mine: 16 pictures");
  const Batch batch = set.batch(0, 12);
  EXPECT_EQ(batch.input.sizes(), (at::IntArrayRef{12, 3, 16, 16}));
  EXPECT_EQ(batch.context.sizes(), (at::IntArrayRef{12, 3, 32, 32}));
  EXPECT_FALSE(batch.target.defined());
  EXPECT_FALSE(batch.context_target.defined());
  for (std::int64_t i = 0; i < 12; ++i) {  // as in the file, without damage of ours
    const double level = batch.input[i].mean().item<double>() * 255 / 10;
    EXPECT_NEAR(level, std::stoi(batch.origins[static_cast<std::size_t>(i)]), 1e-3);
  }
}

TEST_F(LabelsTest, SmallNoisyPicturesArePadded) {
  for (int i = 0; i < kPictures; ++i) write(i, 9, 11);
  EXPECT_EQ(dataset(noisy_, "context_px = 32").batch(0, 2).context.sizes(),
            (at::IntArrayRef{2, 3, 32, 32}));
}

TEST_F(LabelsTest, BesideOtherSourcesABatchHasTargetsForAllOrNone) {
  const auto set = dataset(noisy_ + clean_);
  EXPECT_FALSE(set.has_targets());
  bool with = false;
  bool without = false;
  for (std::int64_t i = 0; i < 20; ++i) {
    const Batch one = set.batch(i, 1);
    (one.target.defined() ? with : without) = true;
  }
  EXPECT_TRUE(with && without);
  EXPECT_FALSE(set.batch(0, 8).target.defined());
  EXPECT_TRUE(dataset(clean_).has_targets());
}

TEST_F(LabelsTest, SmallerSharesArePartsOfLargerOnes) {
  const auto all = pictures_of(dataset(clean_));
  EXPECT_EQ(all.size(), 16U);
  std::set<std::string> larger = all;
  for (const auto& [share, count] :
       {std::pair{"0.5", 8U}, {"0.25", 4U}, {"0.07", 2U}, {"0.001", 1U}}) {
    const auto chosen = pictures_of(dataset(clean_, std::string("label_fraction = ") + share));
    EXPECT_EQ(chosen.size(), count) << share;
    EXPECT_TRUE(std::ranges::includes(larger, chosen)) << share;
    larger = chosen;
  }
}

TEST_F(LabelsTest, TheSeedChoosesTheShareAndValidationKeepsItsOwn) {
  const auto chosen = [&](const char* seed) {
    return pictures_of(dataset(clean_, std::string("label_fraction = 0.25\nseed = ") + seed));
  };
  EXPECT_NE(chosen("1"), chosen("2"));
  const auto held_out = [&](const char* share) {
    return pictures_of(dataset(clean_, std::string("label_fraction = ") + share, Part::Validation));
  };
  EXPECT_EQ(held_out("0.1"), held_out("1.0"));
  EXPECT_EQ(held_out("0.1").size(), 4U);
  // Pictures without targets carry no labels to go without.
  EXPECT_EQ(pictures_of(dataset(noisy_, "label_fraction = 0.1")).size(), 16U);
}

TEST_F(LabelsTest, OnePictureLeavesNoneToValidateOn) {
  for (int i = 1; i < kPictures; ++i)
    std::filesystem::remove(folder_ / "photos" / fmt::format("{:02}.png", i));
  EXPECT_EQ(dataset(noisy_).batch(0, 2).input.size(0), 2);
  EXPECT_CHIARO_ERROR(dataset(noisy_, {}, Part::Validation), Usage, "left to validate on");
  EXPECT_CHIARO_ERROR(dataset(noisy_, "label_fraction = 0.0"), Usage, "label_fraction");
}

}  // namespace
}  // namespace chiaro::data::labels_test
