#include "chiaro/eval/worst_cases.h"

#include <gtest/gtest.h>

#include "tests/eval/pictures.h"
#include "tests/support/expect_error.h"

namespace chiaro::eval::worst_cases_test {
namespace {

using image::Image;

/// A grey target, and a result that is wrong in one square.
struct Wrong {
  Pair pair{Image(3, 40, 60, 0.5F), Image(3, 40, 60, 0.5F)};
  Image restored = Image(3, 40, 60, 0.5F);

  Wrong(int y, int x) {
    for (int row = y; row < y + 4; ++row) {
      for (int column = x; column < x + 4; ++column) restored.at(1, row, column) = 0.9F;
    }
  }
};

PictureScores scores_of_one(const std::string& name, double restored, double input) {
  return {name, name, {restored}, {input}, 0};
}

TEST(WorstCases, KeepThoseThatGainedLeastWithThePlaceThatIsWrong) {
  WorstCases cases(2, 8, false);
  const Wrong wrong(20, 30);
  cases.look(scores_of_one("gains", 30, 20), wrong.pair, wrong.restored);
  cases.look(scores_of_one("loses", 19, 20), wrong.pair, wrong.restored);
  cases.look(scores_of_one("same", 20, 20), wrong.pair, wrong.restored);
  ASSERT_EQ(cases.cases().size(), 2U);
  EXPECT_EQ(cases.cases()[0].name, "loses");
  EXPECT_EQ(cases.cases()[0].gain, -1);
  EXPECT_EQ(cases.cases()[1].name, "same");
  const WorstCase& first = cases.cases()[0];
  // The first window that holds the whole square.
  EXPECT_EQ(first.y, 16);
  EXPECT_EQ(first.x, 26);
  EXPECT_EQ(first.after.height(), 8);
  EXPECT_EQ(first.after.width(), 8);
  EXPECT_EQ(first.after.at(1, 7, 7), 0.9F);
  EXPECT_EQ(first.before.at(1, 7, 7), 0.5F);
  EXPECT_EQ(first.target.at(1, 7, 7), 0.5F);
}

TEST(WorstCases, TurnRoundWhereLowerIsBetter) {
  WorstCases cases(1, 100, true);
  Wrong wrong(0, 0);
  wrong.pair.target = Image();
  cases.look(scores_of_one("better", 2, 3), wrong.pair, wrong.restored);
  cases.look(scores_of_one("worse", 4, 3), wrong.pair, wrong.restored);
  ASSERT_EQ(cases.cases().size(), 1U);
  EXPECT_EQ(cases.cases()[0].name, "worse");
  EXPECT_TRUE(cases.cases()[0].target.empty());
  EXPECT_EQ(cases.cases()[0].after.height(), 40) << "no larger than the picture";
  EXPECT_EQ(cases.cases()[0].after.width(), 60);
}

// A bundle that enlarges, judged by a metric that needs no clean picture.
TEST(WorstCases, RefuseResultsOfAnotherSize) {
  WorstCases cases(1, 8, false);
  Wrong wrong(0, 0);
  wrong.pair.target = Image();
  EXPECT_CHIARO_ERROR(
      cases.look(scores_of_one("larger", 2, 3), wrong.pair, Image(3, 80, 120, 0.5F)), Usage,
      "120x80 instead of 60x40");
}

TEST(WorstCases, NoneAreKeptWhereNoneAreWanted) {
  WorstCases cases(0, 8, false);
  const Wrong wrong(0, 0);
  cases.look(scores_of_one("a", 1, 2), wrong.pair, wrong.restored);
  EXPECT_TRUE(cases.cases().empty());
}

}  // namespace
}  // namespace chiaro::eval::worst_cases_test
