#include "chiaro/restore/override.h"

#include <gtest/gtest.h>

#include "tests/support/expect_error.h"
#include "tests/support/graph_bundle.h"

namespace chiaro::restore::override_test {
namespace {

std::vector<float> condition(std::string_view text) {
  return stated_condition(parse_stated_damages(text), test::controller_info());
}

TEST(StatedDamages, BecomeACondition) {
  // clean, noise, haze; their severities; an embedding of two.
  EXPECT_EQ(condition("noise(0.25)"), (std::vector<float>{0, 1, 0, 0, 0.25F, 0, 0, 0}));
  EXPECT_EQ(condition("haze"), (std::vector<float>{0, 0, 1, 0, 0, 0.5F, 0, 0}));
  EXPECT_EQ(condition(" haze( 1 ) + noise(0)"), (std::vector<float>{0, 0.5F, 0.5F, 0, 0, 1, 0, 0}));
  EXPECT_EQ(condition("clean"), (std::vector<float>{1, 0, 0, 0, 0, 0, 0, 0}));
}

TEST(StatedDamages, SurviveWritingAndReading) {
  for (const std::string text : {"rain(0.6)+noise(0.2)", "clean", "haze(0.5)"})
    EXPECT_EQ(stated_text(parse_stated_damages(text)), text);
}

TEST(StatedDamages, WrongOnesAreRefused) {
  EXPECT_CHIARO_ERROR(parse_stated_damages(""), Usage, "no damage");
  EXPECT_CHIARO_ERROR(parse_stated_damages("noise+"), Usage, "cannot read");
  EXPECT_CHIARO_ERROR(parse_stated_damages("(0.5)"), Usage, "cannot read");
  EXPECT_CHIARO_ERROR(parse_stated_damages("noise(0.5"), Usage, "cannot read");
  EXPECT_CHIARO_ERROR(parse_stated_damages("noise(0.5)x"), Usage, "cannot read");
  EXPECT_CHIARO_ERROR(parse_stated_damages("noise()"), Usage, "severity of noise");
  EXPECT_CHIARO_ERROR(parse_stated_damages("noise(much)"), Usage, "'much'");
  EXPECT_CHIARO_ERROR(parse_stated_damages("noise(1.1)"), Usage, "expected 0 to 1");
  EXPECT_CHIARO_ERROR(parse_stated_damages("noise(-0.1)"), Usage, "expected 0 to 1");
  EXPECT_CHIARO_ERROR(parse_stated_damages("noise(nan)"), Usage, "expected 0 to 1");
  EXPECT_CHIARO_ERROR(parse_stated_damages("noise+noise"), Usage, "twice");
  EXPECT_CHIARO_ERROR(parse_stated_damages("clean+noise"), Usage, "stands alone");
  EXPECT_CHIARO_ERROR(parse_stated_damages("clean(0)"), Usage, "no severity");
  EXPECT_CHIARO_ERROR(condition("nois(0.5)"), Usage, "did you mean 'noise'");
  EXPECT_CHIARO_ERROR(condition("scratches"), Usage, "it knows clean, noise, haze");
  EXPECT_CHIARO_ERROR(stated_condition({}, test::controller_info()), Usage, "no damage");
}

}  // namespace
}  // namespace chiaro::restore::override_test
