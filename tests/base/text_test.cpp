#include "chiaro/base/text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace chiaro::text_test {
namespace {

using Names = std::vector<std::string>;

TEST(Text, NearestNameIsTheOneWithTheFewestEdits) {
  const Names names = {"noise", "rain", "haze", "snow"};
  EXPECT_EQ(nearest_name("nois", names), "noise");
  EXPECT_EQ(nearest_name("hase", names), "haze");
  EXPECT_EQ(nearest_name("rain", names), "rain");
  EXPECT_EQ(nearest_name("completely different", names), "");
  EXPECT_EQ(nearest_name("noise", {}), "");
  EXPECT_EQ(nearest_name("sigma", Names{"grey", "sigma_u8"}), "sigma_u8");
  EXPECT_EQ(nearest_name("sigma", Names{"sigma_u8", "sigma_px"}), "") << "which of them?";
}

TEST(Text, DidYouMeanIsEmptyWithoutACloseName) {
  const Names names = {"quality"};
  EXPECT_EQ(did_you_mean("qualty", names), " (did you mean 'quality'?)");
  EXPECT_EQ(did_you_mean("xyz", names), "");
}

TEST(Text, Join) {
  EXPECT_EQ(join(Names{}), "");
  EXPECT_EQ(join(Names{"a"}), "a");
  EXPECT_EQ(join(Names{"a", "b", "c"}, "+"), "a+b+c");
}

TEST(Text, ShortestReadsBackAsTheSameNumber) {
  for (const double value : {0.1, 1.0 / 3, 25.0, -0.0, 1e300, 123456789.125}) {
    EXPECT_EQ(std::stod(shortest(value)), value) << shortest(value);
  }
  EXPECT_EQ(shortest(25), "25.0");
  EXPECT_EQ(shortest(25, false), "25");
  EXPECT_EQ(shortest(1e300), "1e+300");
  EXPECT_EQ(shortest(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(shortest(std::numeric_limits<double>::quiet_NaN()), "nan");
}

TEST(Text, SplitKeepsEmptyPartsAndBlanks) {
  EXPECT_EQ(split("a,b", ','), (Names{"a", "b"}));
  EXPECT_EQ(split(",a,,", ','), (Names{"", "a", "", ""}));
  EXPECT_EQ(split(" a , b ", ','), (Names{" a ", " b "}));
  EXPECT_EQ(split("", ','), Names{});
}

TEST(Text, Trim) {
  EXPECT_EQ(trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(trim(" \n "), "");
  EXPECT_EQ(trim(""), "");
}

}  // namespace
}  // namespace chiaro::text_test
