#include "chiaro/data/depth.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "chiaro/data/dataset.h"
#include "chiaro/image/codec.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::data::depth_test {
namespace {

constexpr int kSide = 32;

image::Image flat(int channels, float value) {
  image::Image picture(channels, kSide, kSide);
  for (int c = 0; c < channels; ++c) std::ranges::fill(picture.plane(c), value);
  return picture;
}

/// Near on the left, far on the right.
image::Image two_distances(float near, float far) {
  image::Image depth = flat(1, near);
  for (int y = 0; y < kSide; ++y) {
    for (int x = kSide / 2; x < kSide; ++x) depth.at(0, y, x) = far;
  }
  return depth;
}

TEST(Depth, HolesTakeTheNearestKnownValues) {
  image::Image depth = two_distances(0.2F, 0.8F);
  for (int y = 10; y < 20; ++y) {
    for (int x = 2; x < 6; ++x) depth.at(0, y, x) = 0;
    for (int x = 26; x < 30; ++x) depth.at(0, y, x) = 0;
  }
  const image::Image filled = fill_unknown_depth(depth);
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x)
      EXPECT_NEAR(filled.at(0, y, x), x < kSide / 2 ? 0.2F : 0.8F, 1e-5) << y << ' ' << x;
  }
  EXPECT_TRUE(fill_unknown_depth(flat(1, 0)).empty());
}

class DepthSource : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* folder : {"plain", "deep"})
      std::filesystem::create_directories(folder_ / folder);
    for (const char* name : {"a", "b"}) {
      image::write(folder_ / "plain" / fmt::format("p{}.png", name), flat(3, 0.6F));
      image::write(folder_ / "deep" / fmt::format("{}_rgb.png", name), flat(3, 0.3F));
      image::write(folder_ / "deep" / fmt::format("{}_depth.png", name), two_distances(0.1F, 1.0F));
    }
  }

  Dataset dataset(const std::string& source, const std::string& task) const {
    const auto recipe = parse_recipe(fmt::format(R"toml(
[data]
crop_px = {0}
dihedral = false
holdout = 0
[[source]]
name = "plain"
folders = ["plain"]
[[source]]
name = "deep"
folders = ["deep"]
pairing = "_rgb:_depth"
{1}
[[task]]
name = "haze"
spec = "haze(beta=2,airlight=1,tint=0)"
{2}
)toml",
                                                 kSide, source, task),
                                     "test");
    return Dataset(recipe, folder_.path(), Part::Training);
  }

  test::TemporaryFolder folder_;
};

TEST_F(DepthSource, HazeFollowsTheDepthThatWasMeasured) {
  const Dataset data = dataset("depths = 'deep'", "sources = ['deep']");
  for (int index = 0; index < 8; ++index) {
    const Sample sample = data.sample(index);
    EXPECT_EQ(data.source_names().at(static_cast<std::size_t>(sample.source)), "deep");
    // x = 1 − (1 − y)·exp(−β·d); maps and pictures are kept with 8 bits.
    const float clean = sample.target.at(0, 4, 4);
    EXPECT_NEAR(sample.input.at(0, 4, 4), 1 - (1 - clean) * std::exp(-2 * 0.1), 0.006);
    EXPECT_NEAR(sample.input.at(2, 28, 28), 1 - (1 - clean) * std::exp(-2 * 1.0), 0.006);
  }
}

TEST_F(DepthSource, TasksDrawFromTheSourcesTheyName) {
  const Dataset named = dataset("depths = 'deep'", "sources = ['plain']");
  const Dataset all = dataset("depths = 'deep'", "");
  int deep = 0;
  for (int index = 0; index < 64; ++index) {
    EXPECT_EQ(named.sample(index).source, 0);
    deep += static_cast<int>(all.sample(index).source);
  }
  EXPECT_GT(deep, 16);
  EXPECT_LT(deep, 48);
}

TEST_F(DepthSource, WhatDoesNotFitIsNamed) {
  EXPECT_CHIARO_ERROR(dataset("depths = 'deep'", "sources = ['dep']"), Usage, "named 'dep'");
  EXPECT_CHIARO_ERROR(dataset("depths = 'deep'\nkind = 'noisy'", ""), Usage, "kind 'noisy'");
  image::write(folder_ / "deep" / "b_depth.png", image::Image(1, kSide, kSide / 2));
  const Dataset broken = dataset("depths = 'deep'", "sources = ['deep']");
  const auto draw = [&] {
    for (int index = 0; index < 16; ++index) broken.sample(index);
  };
  EXPECT_CHIARO_ERROR(draw(), Input, "same size");
  std::filesystem::remove(folder_ / "deep" / "b_depth.png");
  EXPECT_CHIARO_ERROR(dataset("depths = 'deep'", ""), Input, "b_rgb");
}

}  // namespace
}  // namespace chiaro::data::depth_test
