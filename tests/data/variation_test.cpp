#include "chiaro/data/variation.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "chiaro/data/dataset.h"
#include "chiaro/image/codec.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::data::variation_test {
namespace {

constexpr int kSide = 24;
constexpr double kRounding = 1.0 / 255;  // pictures in memory have 8 bits

/// Colours of all sorts between 0.1 and 0.8.
image::Image scene() {
  image::Image picture(3, kSide, kSide);
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x)
        picture.at(c, y, x) = 0.1F + 0.7F * static_cast<float>((7 * x + (c + 2) * y) % 23) / 22;
    }
  }
  return picture;
}

/// The scene behind air of one grey, thicker to the right.
image::Image hazy(const image::Image& clean, double strength, float air) {
  image::Image picture = clean;
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) {
        const double t = 1 - strength * (0.2 + 0.5 * x / (kSide - 1));
        picture.at(c, y, x) = static_cast<float>(clean.at(c, y, x) * t + air * (1 - t));
      }
    }
  }
  return picture;
}

double largest_difference(const image::Image& a, const image::Image& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.pixels().size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a.pixels()[i] - b.pixels()[i])));
  return largest;
}

TEST(Variation, ABackdropIsSmoothAndLeavesAPartOfThePicture) {
  // A pattern that no wall has: neighbours differ by 0.5 everywhere.
  constexpr int kLarge = 96;
  image::Image pattern(3, kLarge, kLarge);
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < kLarge; ++y) {
      for (int x = 0; x < kLarge; ++x) pattern.at(c, y, x) = (x + y) % 2 == 0 ? 0.25F : 0.75F;
    }
  }
  Rng rng(5);
  double least = 1;
  double most = 0;
  for (int round = 0; round < 40; ++round) {
    image::Image picture = pattern;
    put_before_backdrop(picture, rng);
    int smooth = 0;
    int kept = 0;
    for (int y = 0; y < kLarge; ++y) {
      for (int x = 0; x + 1 < kLarge; ++x) {
        const float step = std::abs(picture.at(1, y, x + 1) - picture.at(1, y, x));
        smooth += static_cast<int>(step < 0.03F);
        kept += static_cast<int>(step > 0.4F);
      }
    }
    const double all = kLarge * (kLarge - 1);
    EXPECT_GT(smooth / all, 0.35);
    EXPECT_GT((smooth + kept) / all, 0.7);  // the rest is outline
    least = std::min(least, kept / all);
    most = std::max(most, kept / all);
    for (const float value : picture.pixels()) {
      ASSERT_GE(value, 0);
      ASSERT_LE(value, 1);
    }
  }
  EXPECT_LT(least, 0.15);
  EXPECT_GT(most, 0.3);
}

TEST(Variation, ScalingTheDamageOfHazeIsThinnerHaze) {
  image::Image picture = hazy(scene(), 1.0, 0.9F);
  scale_damage(picture, scene(), 0.6);
  EXPECT_LT(largest_difference(picture, hazy(scene(), 0.6, 0.9F)), 1e-6);
  scale_damage(picture, scene(), 0);
  EXPECT_EQ(largest_difference(picture, scene()), 0);
}

TEST(Variation, MoreDamageThanThereWasStaysInRange) {
  image::Image picture = hazy(scene(), 1.0, 1.0F);
  scale_damage(picture, scene(), 4);
  for (const float value : picture.pixels()) EXPECT_LE(value, 1);
}

TEST(Variation, OtherColoursBehindTheSameAir) {
  Rng rng(3);
  std::set<float> seen;
  for (int i = 0; i < 20; ++i) {
    const ColourMatrix colours = draw_colours(rng);
    image::Image clean = scene();
    image::Image damaged = hazy(clean, 1.0, 0.8F);
    recolour(clean, colours);
    recolour(damaged, colours);
    // Saturation up to 1.2 takes values of 0.1 to 0.8 out of the range nowhere.
    EXPECT_LT(largest_difference(damaged, hazy(clean, 1.0, 0.8F)), 1e-6) << i;
    seen.insert(clean.at(0, 5, 5));
  }
  EXPECT_GT(seen.size(), 15U);
}

TEST(Variation, GreysStay) {
  Rng rng(4);
  image::Image grey(3, kSide, kSide);
  for (int c = 0; c < 3; ++c) std::ranges::fill(grey.plane(c), 0.3F);
  for (int i = 0; i < 20; ++i) {
    image::Image picture = grey;
    recolour(picture, draw_colours(rng));
    EXPECT_LT(largest_difference(picture, grey), 1e-6);
  }
}

class VariedPairs : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* folder : {"hazy", "clear"})
      std::filesystem::create_directories(folder_ / folder);
    for (const char* name : {"a.pfm", "b.pfm"}) {
      image::write(folder_ / "clear" / name, scene());
      image::write(folder_ / "hazy" / name, hazy(scene(), 1.0, 1.0F));
    }
  }

  Dataset dataset(const std::string& options) const {
    return {parse_recipe("[data]\ncrop_px = 24\nseed = 5\ndihedral = false\nholdout = 0\n"
                         "[[source]]\nname = 'rooms'\nkind = 'paired'\ninput = 'hazy'\n"
                         "target = 'clear'\ntask = 'haze'\n" +
                             options,
                         "test"),
            folder_.path(), Part::Training};
  }

  /// Mean share of the way from the target to white that the input has gone.
  static double veil(const Sample& sample) {
    double sum = 0;
    for (std::size_t i = 0; i < sample.input.pixels().size(); ++i) {
      const double clean = sample.target.pixels()[i];
      sum += (sample.input.pixels()[i] - clean) / (1 - clean);
    }
    return sum / static_cast<double>(sample.input.pixels().size());
  }

  test::TemporaryFolder folder_;
};

TEST_F(VariedPairs, AreLeftAloneUnlessAsked) {
  const auto sample = dataset("").sample(0);
  EXPECT_LT(largest_difference(sample.target, scene()), kRounding);
  EXPECT_NEAR(veil(sample), 0.45, kRounding);
}

TEST_F(VariedPairs, HaveStrengthsOfTheirRange) {
  const Dataset pairs = dataset("strength_min = 0.5\nstrength_max = 1.2\n");
  double least = 1;
  double most = 0;
  for (int i = 0; i < 60; ++i) {
    const double share = veil(pairs.sample(i)) / 0.45;
    least = std::min(least, share);
    most = std::max(most, share);
  }
  EXPECT_GT(least, 0.5 - 1e-4);
  EXPECT_LT(least, 0.56);
  EXPECT_GT(most, 1.14);
  EXPECT_LT(most, 1.2 + 1e-4);
}

TEST_F(VariedPairs, GetTheSameColoursOnBothSides) {
  const Dataset pairs = dataset("recolour = 0.5\n");
  int changed = 0;
  for (int i = 0; i < 60; ++i) {
    const auto sample = pairs.sample(i);
    changed += largest_difference(sample.target, scene()) > 0.01 ? 1 : 0;
    EXPECT_LT(largest_difference(sample.input, hazy(sample.target, 1.0, 1.0F)), kRounding) << i;
  }
  EXPECT_GT(changed, 15);
  EXPECT_LT(changed, 45);
}

TEST_F(VariedPairs, RangesTheWrongWayRoundAreRefused) {
  EXPECT_CHIARO_ERROR(dataset("strength_min = 1.2\n"), Usage, "strength_min");
}

TEST(OtherSize, ReducedNoiseIsWeakerAndTheCleanPictureStays) {
  const image::Image flat(3, 64, 64, 0.5F);
  const auto noisy = [](const image::Image& picture) {
    Rng rng(1);
    image::Image result = picture;
    for (float& value : result.pixels()) value += 0.05F * static_cast<float>(rng.normal());
    return result;
  };
  const auto deviation = [](const image::Image& picture) {
    double sum = 0;
    for (const float value : picture.pixels()) sum += (value - 0.5) * (value - 0.5);
    return std::sqrt(sum / static_cast<double>(picture.pixels().size()));
  };
  image::Image clean = flat;
  const auto reduced = damaged_at_other_size(clean, 2, noisy);
  EXPECT_EQ(reduced.height(), 64);
  EXPECT_TRUE(std::ranges::equal(clean.pixels(), flat.pixels()));
  // The kernel of four pixels a side at half the size: the root of the sum of its squares is 0.45.
  EXPECT_NEAR(deviation(reduced), 0.45 * 0.05, 0.05 * 0.05);
  EXPECT_NEAR(deviation(damaged_at_other_size(clean, 1, noisy)), 0.05, 0.002);
}

TEST(OtherSize, WhatIsEnlargedOrReducedIsAsSoftAsItsTarget) {
  image::Image stripes(3, 64, 64);
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < 64; ++y) {
      for (int x = 0; x < 64; ++x) stripes.at(c, y, x) = x % 2 == 0 ? 0.2F : 0.8F;
    }
  }
  image::Image clean = stripes;
  const auto same = [](const image::Image& picture) { return picture; };
  const auto enlarged = damaged_at_other_size(clean, 0.5, same);
  EXPECT_EQ(enlarged.width(), 64);
  EXPECT_TRUE(std::ranges::equal(enlarged.pixels(), clean.pixels()));
  EXPECT_NEAR(clean.at(0, 32, 32), 0.5F, 0.05F);  // the stripes are too fine for the half
  clean = stripes;
  const auto reduced = damaged_at_other_size(clean, 1.5, same);
  EXPECT_TRUE(std::ranges::equal(reduced.pixels(), clean.pixels()));
  EXPECT_FALSE(std::ranges::equal(stripes.pixels(), clean.pixels()));
}

}  // namespace
}  // namespace chiaro::data::variation_test
