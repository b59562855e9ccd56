// Laws that every degradation of the catalogue keeps.
#include <gtest/gtest.h>

#include <limits>
#include <thread>
#include <vector>

#include "tests/degrade/pictures.h"
#include "tests/support/expect_error.h"

namespace chiaro::degrade::contract_test {
namespace {

using test::hand_made;
using test::mse;
using test::same_pixels;

class Contract : public testing::TestWithParam<std::string> {
 protected:
  const Entry& entry() const { return find(GetParam()); }
  Image damaged(const Image& clean, std::uint64_t seed) const {
    Rng rng(seed);
    return apply(clean, {at_severity(GetParam(), 0.7)}, rng);
  }
};

INSTANTIATE_TEST_SUITE_P(Catalogue, Contract, testing::ValuesIn(names()),
                         [](const auto& entry) { return entry.param; });

TEST_P(Contract, IsDescribed) {
  EXPECT_FALSE(entry().summary.empty());
  EXPECT_FALSE(entry().reference.empty());
  for (const FieldInfo& field : entry().options) EXPECT_FALSE(field.help.empty()) << field.name;
}

TEST_P(Contract, SameSeedSameBytesOtherSeedOtherBytes) {
  const Image clean = hand_made(3, 96, 80);
  const Image once = damaged(clean, 5);
  EXPECT_TRUE(same_pixels(once, damaged(clean, 5)));
  EXPECT_EQ(same_pixels(once, damaged(clean, 6)), !entry().random);
}

TEST_P(Contract, ThreadsDoNotChangeTheBytes) {
  const Image clean = hand_made(3, 64, 64);
  std::vector<Image> results(6);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < results.size(); ++i) {
    threads.emplace_back([&, i] { results[i] = damaged(clean, i % 2); });
  }
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < results.size(); ++i) {
    EXPECT_TRUE(same_pixels(results[i], damaged(clean, i % 2)));
  }
}

TEST_P(Contract, LeavesTheCleanPictureAndItsCompanionsAlone) {
  Image clean = hand_made(3, 40, 33);
  clean.alpha.assign(clean.plane_size(), 0.25F);
  clean.metadata.icc = {1, 2, 3};
  clean.metadata.source_format = "png";
  clean.sample_type = image::SampleType::U16;
  const Image before = clean;
  const Image result = damaged(clean, 1);
  EXPECT_TRUE(same_pixels(clean, before));
  EXPECT_NE(result.pixels().data(), clean.pixels().data());
  EXPECT_EQ(result.alpha, before.alpha);
  EXPECT_EQ(result.metadata.icc, before.metadata.icc);
  EXPECT_EQ(result.metadata.source_format, "png");
  EXPECT_EQ(result.sample_type, image::SampleType::U16);
}

TEST_P(Contract, AnySizeGreyOrColourStaysInRange) {
  const auto whole = parse_template(GetParam());
  for (const int channels : {1, 3}) {
    for (const auto& [height, width] : {std::pair(1, 1), {7, 5}, {1, 40}, {33, 2}, {64, 48}}) {
      const Image clean = hand_made(channels, height, width);
      for (std::uint64_t seed = 0; seed < 6; ++seed) {
        Rng rng(seed);
        const Chain chain = draw(whole, rng);
        const Image result = apply(clean, chain, rng);
        ASSERT_EQ(result.channels(), channels);
        ASSERT_EQ(result.height(), height);
        ASSERT_EQ(result.width(), width);
        for (const float v : result.pixels()) {
          ASSERT_TRUE(v >= 0.0F && v <= 1.0F) << v << " from " << print_spec(chain);
        }
      }
    }
  }
}

TEST_P(Contract, BrokenPixelsComeOutInRange) {
  Image clean = hand_made(3, 16, 16);
  clean.at(0, 3, 3) = std::numeric_limits<float>::quiet_NaN();
  clean.at(1, 5, 5) = std::numeric_limits<float>::infinity();
  clean.at(2, 8, 8) = -7.0F;
  const Image result = damaged(clean, 2);
  for (const float v : result.pixels()) EXPECT_TRUE(v >= 0.0F && v <= 1.0F);
}

TEST_P(Contract, DamageGrowsWithSeverity) {
  const Image clean = hand_made(3, 96, 96);
  double before = -1;
  for (const double s : {0.0, 0.15, 0.35, 0.6, 1.0}) {
    Rng rng(3);
    const double damage = mse(clean, apply(clean, {at_severity(GetParam(), s)}, rng));
    if (GetParam() == "clean") {
      EXPECT_EQ(damage, 0);
    } else {
      EXPECT_GT(damage, before) << "at severity " << s;
    }
    if (s == 0) {
      EXPECT_LT(damage, 1e-4) << "severity 0 must do next to nothing";
    }
    before = damage;
  }
}

TEST_P(Contract, SeverityIsThatOfAtSeverity) {
  for (const double s : {0.0, 0.2, 0.5, 0.9, 1.0}) {
    const Step step = at_severity(GetParam(), s);
    EXPECT_EQ(step.options.size(), entry().options.size());
    if (GetParam() != "clean") {
      EXPECT_NEAR(severity(step), s, 0.02);
    }
  }
  EXPECT_CHIARO_ERROR(at_severity(GetParam(), 1.01), Usage, "[degrade.at_severity]");
}

TEST_P(Contract, DrawnStepsAreCompleteWithinLimitsAndReadBack) {
  const auto whole = parse_template(GetParam());
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Rng rng(seed);
    const Chain chain = draw(whole, rng);
    ASSERT_EQ(chain.size(), 1U);
    EXPECT_EQ(chain[0].options.size(), entry().options.size());
    EXPECT_EQ(parse_spec(print_spec(chain)), chain);
    const double s = severity(chain[0]);
    EXPECT_TRUE(s >= 0 && s <= 1);
  }
}

TEST_P(Contract, OptionsSurviveTextAndUnknownOnesAreRefused) {
  const OptionTable defaults = entry().complete({});
  EXPECT_EQ(entry().complete(defaults), defaults);
  const Chain chain = {{GetParam(), defaults}};
  EXPECT_EQ(parse_spec(print_spec(chain)), chain);
  const Image clean = hand_made(3, 4, 4);
  Rng rng(1);
  EXPECT_CHIARO_ERROR(apply(clean, {{GetParam(), {{"no_such", 1.0}}}}, rng), Usage, "no_such");
}

TEST(Degrade, ChainsApplyFromLeftToRight) {
  const Image clean = hand_made(3, 32, 32);
  const Image chained = test::degraded(clean, "gaussian_blur(sigma_px=2)+quantize(levels=4)");
  const Image blurred = test::degraded(clean, "gaussian_blur(sigma_px=2)");
  EXPECT_TRUE(same_pixels(chained, test::degraded(blurred, "quantize(levels=4)")));
}

TEST(Degrade, AnEmptyChainIsTheIdentity) {
  const Image clean = hand_made(1, 8, 8);
  Rng rng(1);
  EXPECT_TRUE(same_pixels(apply(clean, {}, rng), clean));
}

TEST(Degrade, RefusesEmptyPicturesAndForeignDepth) {
  Rng rng(1);
  EXPECT_CHIARO_ERROR(apply(Image(), {}, rng), Usage, "empty");
  const Image clean = hand_made(3, 8, 8);
  const Image depth(1, 8, 9);
  EXPECT_CHIARO_ERROR(apply(clean, {}, rng, {.depth = &depth}), Usage, "1x8x8");
  EXPECT_CHIARO_ERROR(apply(clean, {{"rian", {}}}, rng), Usage, "did you mean 'rain'");
}

}  // namespace
}  // namespace chiaro::degrade::contract_test
