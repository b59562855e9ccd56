#include "chiaro/base/options.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/expect_error.h"

namespace chiaro::options_test {
namespace {

struct Sample {
  double sigma_u8 = 25.0;
  int count = 3;
  bool grey = false;
  double gain = 1.0;
  std::string mode = "soft";
  std::vector<std::int64_t> steps = {1, 2};
  static Fields<Sample> fields() {
    return {
        field("sigma_u8", &Sample::sigma_u8, "deviation", {.min = 0, .max = 255, .unit = "levels"}),
        field("count", &Sample::count, "how many", {.min = 1}),
        field("grey", &Sample::grey, "one channel"),
        field("gain", &Sample::gain, "any number"),
        field("mode", &Sample::mode, "kind", {.choices = {"soft", "hard"}}),
        field("steps", &Sample::steps, "intervals", {.min = 1})};
  }
};

TEST(Options, RoundTripThroughText) {
  Sample sample{.sigma_u8 = 12.5, .count = 7, .grey = true, .mode = "hard", .steps = {10, 20}};
  OptionTable table;
  for (const auto& [key, value] : print_options(sample)) table[key] = parse_value(to_text(value));
  const auto again = parse_options<Sample>(table, "sample");
  EXPECT_EQ(print_options(again), print_options(sample));
}

TEST(Options, IntegerIsAcceptedAsNumberButNotTheReverse) {
  EXPECT_EQ(parse_options<Sample>({{"sigma_u8", std::int64_t{15}}}, "sample").sigma_u8, 15.0);
  EXPECT_CHIARO_ERROR(parse_options<Sample>({{"count", 1.5}}, "sample"), Usage,
                      "sample.count has the wrong type");
}

TEST(Options, UnknownKeyNamesTheNearest) {
  EXPECT_CHIARO_ERROR(parse_options<Sample>({{"sigma", 1.0}}, "sample"), Usage, "has no option");
}

TEST(Options, RangesAndChoicesAreChecked) {
  EXPECT_CHIARO_ERROR(parse_options<Sample>({{"sigma_u8", 300.0}}, "sample"), Usage,
                      "out of range");
  EXPECT_CHIARO_ERROR(parse_options<Sample>({{"count", std::int64_t{4294967297}}}, "sample"), Usage,
                      "got 4294967297; expected -2147483648 to 2147483647");
  EXPECT_CHIARO_ERROR(parse_options<Sample>({{"mode", std::string("hrad")}}, "sample"), Usage,
                      "did you mean 'hard'");
  EXPECT_CHIARO_ERROR(parse_options<Sample>({{"steps", std::vector<std::int64_t>{0}}}, "sample"),
                      Usage, "steps");
}

TEST(Options, EveryValueSurvivesText) {
  const std::vector<OptionValue> values = {true,
                                           std::int64_t{-3},
                                           1e-9,
                                           std::string("quote \" comma, back\\slash\nline\ttab"),
                                           std::string("true"),
                                           std::string("12"),
                                           std::string(),
                                           std::vector<std::int64_t>{1, -2},
                                           std::vector<double>{1.0, 0.5},
                                           std::vector<std::string>{"a,b", "c]", "\"", "[1, 2]"}};
  for (const auto& value : values) EXPECT_EQ(parse_value(to_text(value)), value) << to_text(value);
}

TEST(Options, BareWordsAreText) {
  EXPECT_EQ(parse_value(" resunet "), OptionValue(std::string("resunet")));
  EXPECT_EQ(parse_value("[noise, rain]"), OptionValue(std::vector<std::string>{"noise", "rain"}));
  EXPECT_EQ(parse_value("[1, 0.5]"), OptionValue(std::vector<double>{1.0, 0.5}));
}

TEST(Options, BrokenListsAreRefused) {
  EXPECT_CHIARO_ERROR(parse_value("[1, 2"), Usage, "list is not closed");
  EXPECT_CHIARO_ERROR(parse_value("[1, x]"), Usage, "list mixes types");
}

TEST(Options, NumbersThatAreNoneAreRefused) {
  EXPECT_CHIARO_ERROR(parse_options<Sample>({{"sigma_u8", std::nan("")}}, "sample"), Usage,
                      "out of range");
  EXPECT_CHIARO_ERROR(parse_options<Sample>({{"gain", HUGE_VAL}}, "sample"), Usage, "out of range");
}

TEST(Options, DescribeHasDefaultsUnitsAndChoices) {
  const auto infos = describe_options<Sample>();
  ASSERT_EQ(infos.size(), 6U);
  EXPECT_EQ(infos[0].default_value, OptionValue(25.0));
  EXPECT_EQ(infos[0].limits.unit, "levels");
  EXPECT_EQ(infos[4].limits.choices, (std::vector<std::string>{"soft", "hard"}));
}

}  // namespace
}  // namespace chiaro::options_test
