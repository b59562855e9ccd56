#include "chiaro/restore/prepare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace chiaro::restore::prepare_test {
namespace {

Survey survey_of(float value, float alpha = 1.0F) {
  image::Image picture(3, 70, 90, 0.5F);  // more than one block
  picture.at(2, 60, 80) = value;
  picture.alpha.assign(70 * 90, 1.0F);
  picture.alpha.back() = alpha;
  return replace_not_finite(picture);
}

TEST(Prepare, TheSurveySaysWhetherAllColoursLieInTheUnitRange) {
  for (const float inside : {0.0F, -0.0F, 1.0F, 0.3F})
    EXPECT_TRUE(survey_of(inside).all_in_unit_range) << inside;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float outside : {std::nextafter(1.0F, 2.0F), -1e-30F, 1e30F, kInfinity, -kInfinity,
                              std::numeric_limits<float>::quiet_NaN()})
    EXPECT_FALSE(survey_of(outside).all_in_unit_range) << outside;
  EXPECT_TRUE(survey_of(0.5F, 2.0F).all_in_unit_range);  // alpha is no colour
}

TEST(Prepare, TheSurveyCountsWhatIsNotFinite) {
  EXPECT_EQ(survey_of(7.0F).not_finite, 0U);
  EXPECT_EQ(survey_of(std::numeric_limits<float>::quiet_NaN()).not_finite, 1U);
  EXPECT_EQ(
      survey_of(std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN())
          .not_finite,
      2U);
}

TEST(Prepare, WhatIsNotFiniteIsReplacedAndTheRestStays) {
  image::Image picture(1, 1, 4, 0.25F);
  picture.at(0, 0, 0) = std::numeric_limits<float>::quiet_NaN();
  picture.at(0, 0, 1) = std::numeric_limits<float>::infinity();
  picture.at(0, 0, 2) = 3.5F;
  replace_not_finite(picture);
  EXPECT_EQ(picture.at(0, 0, 0), 0.0F);
  EXPECT_EQ(picture.at(0, 0, 1), 1.0F);
  EXPECT_EQ(picture.at(0, 0, 2), 3.5F);
  EXPECT_EQ(picture.at(0, 0, 3), 0.25F);
}

}  // namespace
}  // namespace chiaro::restore::prepare_test
