#include "bench/report.h"

#include <gtest/gtest.h>

namespace chiaro::report_test {
namespace {

using bench::Figure;
using bench::Report;

bool says(const Report& report, const char* word) {
  return report.table().find(word) != std::string::npos;
}

TEST(BenchReport, AnAimOnTheWrongSideIsMissed) {
  Report report;
  report.add({.name = "of neither", .value = 9});
  report.add({.name = "below", .value = 1.5, .at_most = 1.5});
  report.add({.name = "above", .value = 0.9, .at_least = 0.9});
  EXPECT_TRUE(report.all_held() && report.none_missed()) << report.table();
  EXPECT_FALSE(says(report, "MISSED"));
  report.add({.name = "above", .value = 0.899, .at_least = 0.9});
  EXPECT_FALSE(report.all_held() || report.none_missed()) << report.table();
  EXPECT_TRUE(says(report, "MISSED"));
}

TEST(BenchReport, WhatCannotBeJudgedIsNeitherHeldNorMissed) {
  Report report;
  report.add({.name = "tail", .value = 2, .at_most = 1.5, .unjudged = "so is arithmetic"});
  EXPECT_TRUE(report.none_missed());
  EXPECT_FALSE(report.all_held());
  EXPECT_TRUE(says(report, "open") && says(report, "not judged: so is arithmetic"));
  EXPECT_FALSE(says(report, "MISSED"));
  report.add({.name = "other", .value = 2, .at_most = 1.5});
  EXPECT_FALSE(report.none_missed()) << "one that is not judged hid one that is missed";
}

TEST(BenchReport, WhatIsHeldOrHasNoAimIsNotOpen) {
  Report report;
  report.add({.name = "tail", .value = 2, .unjudged = "so is arithmetic"});
  report.add({.name = "held", .value = 1.4, .at_most = 1.5, .unjudged = "so is arithmetic"});
  EXPECT_TRUE(report.all_held());
  EXPECT_FALSE(says(report, "not judged"));
}

}  // namespace
}  // namespace chiaro::report_test
