// Clean pictures beside damaged ones of something else.
#include <cmath>
#include <fstream>
#include <map>
#include <set>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "chiaro/data/dataset.h"
#include "chiaro/image/codec.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::data::unpaired_test {
namespace {

class UnpairedTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 10; ++i) {
      write("rainy", i, 100 + 10 * i);
      write("clean", i, 10 * i);
    }
  }

  /// Grey of a value that names the picture.
  void write(const char* folder, int i, int value, int side = 40) const {
    std::filesystem::create_directories(folder_ / folder);
    const image::Image picture(3, side, side + 8, static_cast<float>(value) / 255);
    image::write(folder_ / folder / fmt::format("{:02}.png", i), picture);
  }

  Dataset dataset(const std::string& sources, Part part = Part::Training,
                  const std::string& data = {}) const {
    return Dataset(
        parse_recipe("[data]\ncrop_px = 16\nholdout = 0.2\n" + data + "\n" + sources, "t"),
        folder_.path(), part);
  }

  /// The values that are shown, on the scale of 8 bits.
  static std::set<int> values(const at::Tensor& pictures) {
    std::set<int> all;
    for (std::int64_t i = 0; i < pictures.size(0); ++i)
      all.insert(static_cast<int>(std::lround(255 * pictures[i].mean().item<double>())));
    return all;
  }

  const std::string rainy_ =
      "[[source]]\nname = \"rainy\"\nkind = \"noisy\"\nfolders = [\"rainy\"]\n";
  const std::string unpaired_ =
      "[[source]]\nname = \"clean\"\nkind = \"unpaired\"\nfolders = [\"clean\"]\n";
  test::TemporaryFolder folder_;
};

TEST_F(UnpairedTest, StandBesideEverySample) {
  const auto set = dataset(rainy_ + unpaired_);
  EXPECT_FALSE(set.has_targets());
  EXPECT_EQ(set.tasks(), std::vector<std::string>{"noisy"});
  EXPECT_EQ(set.summary(), "rainy: 8 pictures, clean: 8 pictures");
  const Batch batch = set.batch(0, 300);
  EXPECT_EQ(batch.unpaired.sizes(), (at::IntArrayRef{300, 3, 16, 16}));
  EXPECT_FALSE(batch.target.defined());
  const auto shown = values(batch.unpaired);
  EXPECT_EQ(shown.size(), 8u);
  EXPECT_LT(*shown.rbegin(), 100);
  // Which clean picture stands beside a damaged one says nothing about it.
  std::map<int, std::set<int>> beside;
  for (std::int64_t i = 0; i < 300; ++i)
    beside[*values(batch.input.slice(0, i, i + 1)).begin()].merge(
        values(batch.unpaired.slice(0, i, i + 1)));
  for (const auto& [damaged, clean] : beside) EXPECT_GE(clean.size(), 6u) << damaged;
}

TEST_F(UnpairedTest, ArePureAndChangeNothingElse) {
  const auto with = dataset(rainy_ + unpaired_).batch(7, 9);
  const auto again = dataset(rainy_ + unpaired_).batch(7, 9);
  const auto without = dataset(rainy_).batch(7, 9);
  EXPECT_TRUE(at::equal(with.unpaired, again.unpaired));
  EXPECT_TRUE(at::equal(with.input, without.input));
  EXPECT_FALSE(without.unpaired.defined());
}

// The same folder may be damaged and shown clean, never one picture beside itself.
TEST_F(UnpairedTest, NeverShowThePictureItself) {
  const std::string clean = "[[source]]\nname = \"photos\"\nfolders = [\"clean\"]\n";
  const std::string task = "[[task]]\nname = \"clean\"\nspec = \"clean\"\n";
  for (const Part part : {Part::Training, Part::Validation}) {
    const auto batch = dataset(clean + unpaired_ + task, part).batch(0, 200);
    const auto apart = (batch.unpaired - batch.target).abs().amax({1, 2, 3});
    EXPECT_GT(apart.min().item<double>(), 0.03);
    EXPECT_EQ(values(batch.unpaired), values(batch.target));  // the held-out ones stay held out
  }
}

// A scene that a longer list holds out, a shorter one would train on.
TEST_F(UnpairedTest, WhatOneSourceHoldsOutNoOtherTrainsOn) {
  std::filesystem::create_directories(folder_ / "few");
  for (const char* name : {"02.png", "04.png", "06.png"})
    std::filesystem::copy_file(folder_ / "clean" / name, folder_ / "few" / name);
  const std::string few = "[[source]]\nname = \"few\"\nfolders = [\"few\"]\n";
  const std::string all = "[[source]]\nname = \"all\"\nfolders = [\"clean\"]\n";
  const std::string task = "[[task]]\nname = \"clean\"\nspec = \"clean\"\n";
  const auto seen = values(dataset(few + all + task).batch(0, 300).target);
  const auto measured = values(dataset(few + all + task, Part::Validation).batch(0, 300).target);
  EXPECT_GE(measured.size(), 2u);
  for (const int value : measured) EXPECT_EQ(seen.count(value), 0u) << value;
}

TEST_F(UnpairedTest, MayBeOnePictureAndSmallerThanTheCrop) {
  std::filesystem::remove_all(folder_ / "clean");
  write("clean", 0, 50, 10);
  for (const Part part : {Part::Training, Part::Validation}) {
    const auto batch = dataset(rainy_ + unpaired_, part).batch(0, 4);
    EXPECT_EQ(batch.unpaired.sizes(), (at::IntArrayRef{4, 3, 16, 16}));
    EXPECT_EQ(values(batch.unpaired), std::set<int>{50});
  }
}

TEST_F(UnpairedTest, AloneAreNotEnough) {
  EXPECT_CHIARO_ERROR(dataset(unpaired_), Usage, "nothing to draw from");
  EXPECT_CHIARO_ERROR(dataset(unpaired_, Part::Validation), Usage, "no picture is left");
  const std::string none = "[[source]]\nname = \"clean\"\nkind = \"unpaired\"\n";
  EXPECT_CHIARO_ERROR(dataset(rainy_ + none), Usage, "kind 'unpaired' needs folders");
}

TEST_F(UnpairedTest, BrokenOnesAreDrawnAgain) {
  for (const char* name : {"03.png", "05.png", "07.png"})
    std::ofstream(folder_ / "clean" / name) << "no picture";
  const auto shown = values(dataset(rainy_ + unpaired_).batch(0, 200).unpaired);
  EXPECT_LT(shown.size(), 8u) << "two of them may be held out, not three";
  EXPECT_GE(shown.size(), 5u);
  for (const int value : {30, 50, 70}) EXPECT_EQ(shown.count(value), 0u);
}

}  // namespace
}  // namespace chiaro::data::unpaired_test
