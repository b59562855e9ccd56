#include "chiaro/degrade/spec.h"

#include <gtest/gtest.h>

#include <map>

#include "chiaro/degrade/presets.h"
#include "tests/support/expect_error.h"

namespace chiaro::degrade::spec_test {
namespace {

TEST(Spec, ReadsStepsAndTypesOfFields) {
  const Chain chain = parse_spec(" haze( beta = 1.2 ) + noise(sigma_u8=15, grey=true) ");
  ASSERT_EQ(chain.size(), 2U);
  EXPECT_EQ(chain[0], (Step{"haze", {{"beta", 1.2}}}));
  EXPECT_EQ(chain[1], (Step{"noise", {{"grey", true}, {"sigma_u8", 15.0}}}));
  EXPECT_EQ(parse_spec("jpeg(quality=20)")[0].options.at("quality"), OptionValue(std::int64_t{20}));
  EXPECT_EQ(parse_spec("rain(mode=screen)"), parse_spec("rain(mode=\"screen\")"));
  EXPECT_EQ(parse_spec("rain(angle_deg=-3e+1)")[0].options.at("angle_deg"), OptionValue(-30.0));
  EXPECT_EQ(parse_spec("clean()"), (Chain{{"clean", {}}}));
}

TEST(Spec, PrintsCanonically) {
  const char* text = "haze(beta=1.2)+noise(grey=true,sigma_u8=15.0,storage=truncate)+clean";
  EXPECT_EQ(print_spec(parse_spec(text)), text);
  EXPECT_EQ(print_spec(parse_spec("noise( sigma_u8=15,grey = true )")),
            "noise(grey=true,sigma_u8=15.0)");
}

TEST(Spec, ErrorsNameThePlaceAndTheNearestName) {
  EXPECT_CHIARO_ERROR(parse_spec("haze+nose"), Usage, "did you mean 'noise'?) at position 6");
  EXPECT_CHIARO_ERROR(parse_spec("noise(sigma=3)"), Usage, "no option 'sigma'");
  EXPECT_CHIARO_ERROR(parse_spec("haze(bata=3)"), Usage, "did you mean 'beta'?");
  EXPECT_CHIARO_ERROR(parse_spec("haze(beta=3"), Usage, "expected ',' or ')' at position 12");
  EXPECT_CHIARO_ERROR(parse_spec("haze(beta)"), Usage, "expected '=' after 'beta' at position 10");
  EXPECT_CHIARO_ERROR(parse_spec("haze(beta=)"), Usage, "expected a value at position 11");
  EXPECT_CHIARO_ERROR(parse_spec("haze(beta=thick)"), Usage, "expected a number");
  EXPECT_CHIARO_ERROR(parse_spec("haze(beta=-1)"), Usage, "out of range");
  EXPECT_CHIARO_ERROR(parse_spec("haze(beta=1,beta=2)"), Usage, "given twice at position 13");
  EXPECT_CHIARO_ERROR(parse_spec("jpeg(quality=20.5)"), Usage, "an integer");
  EXPECT_CHIARO_ERROR(parse_spec("rain(mode=scren)"), Usage, "did you mean 'screen'?");
  EXPECT_CHIARO_ERROR(parse_spec("rain(mode=\"screen)"), Usage, "not closed");
  EXPECT_CHIARO_ERROR(parse_spec("clean(x=1)"), Usage, "clean has no option 'x'");
  EXPECT_CHIARO_ERROR(parse_spec(""), Usage, "expected the name of a degradation at position 1");
  EXPECT_CHIARO_ERROR(parse_spec("haze+"), Usage, "at position 6");
  EXPECT_CHIARO_ERROR(parse_spec("haze noise"), Usage, "unexpected 'n' at position 6");
}

TEST(Spec, ChainsHoldNoRanges) {
  EXPECT_CHIARO_ERROR(parse_spec("noise(sigma_u8=5..55)"), Usage, "at position 17");
  EXPECT_CHIARO_ERROR(parse_spec("noise/haze"), Usage, "unexpected '/'");
  EXPECT_CHIARO_ERROR(parse_spec("noise?0.5"), Usage, "unexpected '?'");
}

TEST(Template, TextIsCanonicalAndReadsBack) {
  const char* text =
      "gaussian_blur(sigma_px=0.8..3.5~log)/motion_blur+jpeg(quality=10|20..30)?0.5+rain(mode="
      "additive|screen)";
  EXPECT_EQ(parse_template(text).text(), text);
  EXPECT_EQ(parse_template(" jpeg( quality = 10 | 20 .. 30 ) ? 0.5").text(),
            "jpeg(quality=10|20..30)?0.5");
}

TEST(Template, DrawsWithinWhatItStates) {
  const auto whole = parse_template("noise(sigma_u8=5..10)+jpeg(quality=10|20..22)");
  std::map<std::int64_t, int> qualities;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    Rng rng(seed);
    const Chain chain = draw(whole, rng);
    const double sigma = std::get<double>(chain.at(0).options.at("sigma_u8"));
    EXPECT_TRUE(sigma >= 5 && sigma < 10);
    ++qualities[std::get<std::int64_t>(chain.at(1).options.at("quality"))];
  }
  ASSERT_EQ(qualities.size(), 4U);  // 10, 20, 21, 22
  EXPECT_NEAR(qualities[10], 200, 50);
  EXPECT_GT(qualities[22], 30);
}

TEST(Template, LogarithmicRangesHalveAtTheGeometricMean) {
  const auto whole = parse_template("gaussian_blur(sigma_px=1..16~log)");
  int below = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    Rng rng(seed);
    if (std::get<double>(draw(whole, rng)[0].options.at("sigma_px")) < 4) ++below;
  }
  EXPECT_NEAR(below, 500, 60);
}

TEST(Template, AlternativesAreEquallyLikelyAndSlotsOptional) {
  const auto whole = parse_template("gaussian_blur/defocus_blur/motion_blur+noise?0.25");
  std::map<std::string, int> counts;
  for (std::uint64_t seed = 0; seed < 1200; ++seed) {
    Rng rng(seed);
    for (const Step& step : draw(whole, rng)) ++counts[step.name];
  }
  EXPECT_NEAR(counts["gaussian_blur"], 400, 70);
  EXPECT_NEAR(counts["defocus_blur"], 400, 70);
  EXPECT_NEAR(counts["motion_blur"], 400, 70);
  EXPECT_NEAR(counts["noise"], 300, 60);
}

TEST(Template, StatedOptionsWinOverTheEntrysOwnRange) {
  const auto whole = parse_template("noise(sigma_u8=7)");
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed);
    EXPECT_EQ(draw(whole, rng)[0].options.at("sigma_u8"), OptionValue(7.0));
  }
}

TEST(Template, OfAnUnknownNameTheNearestOrAllAreSaid) {
  EXPECT_CHIARO_ERROR(parse_spec("nois"), Usage,
                      "unknown degradation 'nois' (did you mean 'noise'?)");
  EXPECT_CHIARO_ERROR(parse_spec("vignette"), Usage, "unknown degradation 'vignette'; known: ");
}

TEST(Template, ImpossibleRangesAreRefused) {
  EXPECT_CHIARO_ERROR(parse_template("noise(sigma_u8=9..5)"), Usage, "must not fall");
  EXPECT_CHIARO_ERROR(parse_template("noise(sigma_u8=0..5~log)"), Usage, "must be positive");
  EXPECT_CHIARO_ERROR(parse_template("noise(sigma_u8=0..999)"), Usage, "out of range");
  EXPECT_CHIARO_ERROR(parse_template("noise(sigma_u8=1..5~lin)"), Usage, "'log'");
  EXPECT_CHIARO_ERROR(parse_template("rain(mode=additive..screen)"), Usage, "needs numbers");
  EXPECT_CHIARO_ERROR(parse_template("noise?1.5"), Usage, "probability");
  EXPECT_CHIARO_ERROR(parse_template("noise/nois"), Usage, "did you mean 'noise'?");
}

TEST(Presets, AllCanBeDrawn) {
  for (const Preset& each : presets()) {
    Rng rng(1);
    EXPECT_FALSE(parse_template(each.text).text().empty()) << each.name;
    EXPECT_NO_THROW(draw(preset(each.name), rng)) << each.name;
    EXPECT_FALSE(each.reference.empty());
  }
}

TEST(Presets, AirNetNoiseIsTruncatedAndFixed) {
  Rng rng(1);
  const Chain chain = draw(preset("airnet_noise_25"), rng);
  EXPECT_EQ(print_spec(chain), "noise(grey=false,sigma_u8=25.0,storage=truncate)");
  EXPECT_CHIARO_ERROR(preset("airnet_noise_26"), Usage, "did you mean 'airnet_noise_25'");
}

}  // namespace
}  // namespace chiaro::degrade::spec_test
