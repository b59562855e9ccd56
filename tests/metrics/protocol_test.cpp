#include "chiaro/metrics/protocol.h"

#include <gtest/gtest.h>

#include <limits>

#include "chiaro/metrics/psnr.h"
#include "chiaro/metrics/score.h"
#include "chiaro/metrics/ssim.h"
#include "tests/support/expect_error.h"

namespace chiaro::metrics::protocol_test {
namespace {

using image::Image;

TEST(Protocol, OptionsSurviveATable) {
  for (const auto& name : preset_names()) {
    for (const Metric metric : {Metric::Psnr, Metric::Ssim, Metric::MsSsim}) {
      const Protocol before = preset(name, metric);
      const auto after = parse_options<Protocol>(print_options(before), "protocol");
      EXPECT_EQ(fingerprint(metric, before), fingerprint(metric, after));
      EXPECT_EQ(print_options(before), print_options(after));
    }
  }
}

TEST(Protocol, PresetsDiffer) {
  const auto& names = preset_names();
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (std::size_t j = i + 1; j < names.size(); ++j) {
      EXPECT_NE(fingerprint(Metric::Ssim, preset(names[i], Metric::Ssim)),
                fingerprint(Metric::Ssim, preset(names[j], Metric::Ssim)))
          << names[i] << " and " << names[j];
    }
  }
}

TEST(Protocol, FingerprintIsStableText) {
  EXPECT_EQ(fingerprint(Metric::Psnr, Protocol{}),
            "psnr/1 channel=rgb rounding=none clip=true border_px=0 crop_multiple=1 "
            "psnr_epsilon=0.0");
  EXPECT_EQ(fingerprint(Metric::Ssim, preset("matlab", Metric::Ssim)),
            "ssim/1 channel=y luma=studio rounding=u8_luma clip=true border_px=0 crop_multiple=1 "
            "window=gaussian11 sample_covariance=false nonnegative=false k1=0.01 k2=0.03");
}

TEST(Protocol, FingerprintNamesOnlyWhatMatters) {
  Protocol other;
  other.window = Window::Uniform7;
  other.luma = Luma::Full;  // RGB scores do not see the luma formula
  EXPECT_EQ(fingerprint(Metric::Psnr, other), fingerprint(Metric::Psnr, Protocol{}));
  EXPECT_NE(fingerprint(Metric::Ssim, other), fingerprint(Metric::Ssim, Protocol{}));
  other = Protocol{};
  other.halving = Halving::ZeroPad;
  EXPECT_EQ(fingerprint(Metric::Ssim, other), fingerprint(Metric::Ssim, Protocol{}));
  EXPECT_NE(fingerprint(Metric::MsSsim, other), fingerprint(Metric::MsSsim, Protocol{}));
}

TEST(Protocol, UnknownNamesPointToTheNearest) {
  EXPECT_CHIARO_ERROR(preset("skimmage", Metric::Psnr), Usage, "skimage");
  EXPECT_CHIARO_ERROR(metric_from_text("pnsr"), Usage, "psnr");
  EXPECT_CHIARO_ERROR(parse_options<Protocol>({{"chanel", std::string("y")}}, "protocol"), Usage,
                      "channel");
  EXPECT_CHIARO_ERROR(parse_options<Protocol>({{"rounding", std::string("u9")}}, "protocol"), Usage,
                      "u8");
  EXPECT_CHIARO_ERROR(parse_options<Protocol>({{"rounding", true}}, "protocol"), Usage, "text");
}

TEST(Protocol, OverridesLieOverEachPreset) {
  const std::vector<std::string> metrics{"psnr", "ssim"};
  const std::vector<std::string> presets{"matlab", "skimage"};
  const auto all = measures(metrics, presets, {{"border_px", std::int64_t{3}}});
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].label, "psnr@matlab");
  EXPECT_EQ(all[3].label, "ssim@skimage");
  EXPECT_EQ(all[3].protocol.border_px, 3);
  EXPECT_EQ(all[1].protocol.channel, Channel::Y);
  EXPECT_EQ(measures(metrics, std::vector<std::string>{"chiaro"})[1].label, "ssim");
  EXPECT_CHIARO_ERROR(measures({}, presets), Usage, "at least one metric");
}

TEST(Protocol, ClippingAndRoundingComeBeforeTheDifference) {
  const Image target(1, 4, 4, 1.0F);
  const Image above(1, 4, 4, 1.5F);
  Protocol protocol;
  EXPECT_EQ(psnr(above, target, protocol), std::numeric_limits<double>::infinity());
  protocol.clip = false;
  EXPECT_NEAR(psnr(above, target, protocol), 6.0206, 1e-4);
  const Image near(1, 4, 4, 0.999F);  // less than half a level away
  EXPECT_LT(psnr(near, target, protocol), 100.0);
  protocol.rounding = Rounding::U8;
  EXPECT_EQ(psnr(near, target, protocol), std::numeric_limits<double>::infinity());
}

TEST(Protocol, BorderAndCentreCropLeaveOutTheRest) {
  Image target(1, 21, 37, 0.5F);
  Image restored = target;
  // Centre crop to 16×32: rows 2…17, columns 2…33. Spoil everything outside.
  for (int y = 0; y < 21; ++y) {
    for (int x = 0; x < 37; ++x) {
      if (y < 2 || y > 17 || x < 2 || x > 33) restored.at(0, y, x) = 0;
    }
  }
  Protocol protocol;
  protocol.crop_multiple = 16;
  EXPECT_EQ(psnr(restored, target, protocol), std::numeric_limits<double>::infinity());
  restored.at(0, 17, 33) = 0;
  EXPECT_LT(psnr(restored, target, protocol), 100.0);
  protocol.border_px = 1;
  EXPECT_EQ(psnr(restored, target, protocol), std::numeric_limits<double>::infinity());
}

TEST(Protocol, LumaOfWhiteAndBlack) {
  const Image white(3, 2, 2, 1.0F);
  const Image black(3, 2, 2, 0.0F);
  Protocol protocol;
  protocol.channel = Channel::Y;
  EXPECT_NEAR(scored_planes(white, black, protocol).restored[0].samples[0], 235.0 / 255, 1e-12);
  EXPECT_NEAR(scored_planes(white, black, protocol).target[0].samples[0], 16.0 / 255, 1e-12);
  protocol.luma = Luma::Full;
  EXPECT_NEAR(scored_planes(white, black, protocol).restored[0].samples[0], 1.0, 1e-12);
}

TEST(ScoreText, HasFourDecimalsOrInf) {
  EXPECT_EQ(score_text(33.83204), "33.8320");
  EXPECT_EQ(score_text(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(score_text(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(score_text(std::numeric_limits<double>::quiet_NaN()), "-");
}

}  // namespace
}  // namespace chiaro::metrics::protocol_test
