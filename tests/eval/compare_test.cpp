#include "chiaro/eval/compare.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "tests/support/expect_error.h"

namespace chiaro::eval::compare_test {
namespace {

Report report_of(std::vector<double> psnr) {
  Report report;
  report.set = "set";
  report.targets_hash = "t";
  report.inputs_hash = "i";
  report.degradation = "noise";
  report.labels = {"psnr"};
  report.fingerprints = {"psnr/1 channel=rgb"};
  for (std::size_t i = 0; i < psnr.size(); ++i) {
    const std::string name = std::to_string(i);
    report.pictures.push_back({name + ".png", name, {psnr[i]}, {20}, 0});
  }
  return report;
}

std::vector<Comparison> compared(const Report& a, const Report& b) {
  return compare(std::vector<Report>{a}, std::vector<Report>{b});
}

TEST(Compare, PairsPicturesByName) {
  const Report a = report_of({30, 20, 40, 10});
  Report b = report_of({30.5, 20.5, 40.5, 10.5});
  std::swap(b.pictures[0], b.pictures[3]);
  for (auto& picture : b.pictures) picture.name.replace(picture.name.size() - 4, 4, ".jpg");
  const auto results = compared(a, b);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_DOUBLE_EQ(results[0].difference, 0.5);
  EXPECT_DOUBLE_EQ(results[0].mean_a, 25);
  EXPECT_DOUBLE_EQ(results[0].mean_b, 25.5);
  // Pairing removes the spread between pictures: the interval is a point.
  ASSERT_TRUE(results[0].interval);
  EXPECT_DOUBLE_EQ(results[0].interval->low, 0.5);
  EXPECT_DOUBLE_EQ(results[0].interval->high, 0.5);
  EXPECT_EQ(results[0].better_share, 1);
  EXPECT_NE(comparison_text(results).find("b is better"), std::string::npos);
}

TEST(Compare, NamesThatDifferInTheirExtensionAreTwoPictures) {
  Report a = report_of({30, 20, 40, 10});
  a.pictures[1].name = "0.jpg";
  EXPECT_DOUBLE_EQ(compared(a, a)[0].worst_difference, 0);
  Report b = a;
  for (auto& picture : b.pictures) picture.name.replace(picture.name.size() - 4, 4, ".tif");
  EXPECT_CHIARO_ERROR(compared(a, b), CheckFailed, "2 pictures of one report");
}

TEST(Compare, InfiniteBothWaysHasNoVerdict) {
  const double inf = std::numeric_limits<double>::infinity();
  const auto results = compared(report_of({inf, 30, 30, 30}), report_of({30, inf, 30, 30}));
  EXPECT_FALSE(results[0].interval);
  EXPECT_NE(comparison_text(results).find("cannot be said: infinite"), std::string::npos);
}

TEST(Compare, NamesTheWorstAndDoubts) {
  const auto results = compared(report_of({30, 30, 30, 30}), report_of({33, 28, 31, 30}));
  EXPECT_EQ(results[0].worst_name, "1.png");
  EXPECT_DOUBLE_EQ(results[0].worst_difference, -2);
  EXPECT_DOUBLE_EQ(results[0].better_share, 0.5);
  EXPECT_NE(comparison_text(results).find("no clear difference"), std::string::npos);
}

TEST(Compare, KnowsWhereLowerIsBetter) {
  Report a = report_of({3, 3, 3, 3});
  Report b = report_of({2, 2.5, 2.5, 3.5});
  for (Report* report : {&a, &b}) {
    report->labels = {"niqe"};
    report->fingerprints = {"niqe/1 luma=studio"};
  }
  const auto results = compared(a, b);
  EXPECT_DOUBLE_EQ(results[0].difference, -0.375);
  EXPECT_DOUBLE_EQ(results[0].better_share, 0.75);
  EXPECT_DOUBLE_EQ(results[0].worst_difference, 0.5);
  EXPECT_EQ(results[0].worst_name, "3.png");
  b.pictures[3].restored = {2.5};
  EXPECT_NE(comparison_text(compared(a, b)).find("b is better"), std::string::npos);
}

TEST(Compare, UnlikeProtocolsAreRefused) {
  const Report a = report_of({30, 31});
  Report b = a;
  b.fingerprints = {"psnr/1 channel=y"};
  EXPECT_CHIARO_ERROR(compared(a, b), CheckFailed, "channel=y");
}

TEST(Compare, UnlikePicturesAreRefused) {
  const Report a = report_of({30, 31});
  Report b = a;
  b.targets_hash = "other";
  EXPECT_CHIARO_ERROR(compared(a, b), CheckFailed, "target pictures");
  b = a;
  b.inputs_hash = "other";
  EXPECT_CHIARO_ERROR(compared(a, b), CheckFailed, "input pictures");
  b = a;
  b.degradation = "noise(sigma_u8=50)";
  EXPECT_CHIARO_ERROR(compared(a, b), CheckFailed, "degradations");
  b = a;
  b.seed = 1;
  EXPECT_CHIARO_ERROR(compared(a, b), CheckFailed, "seeds");
  b = report_of({30, 31, 32});
  EXPECT_CHIARO_ERROR(compared(a, b), CheckFailed, "2 and 3");
  b = a;
  b.pictures[1].name = "7.png";
  EXPECT_CHIARO_ERROR(compared(a, b), CheckFailed, "1.png");
}

TEST(Compare, FinishedPicturesCompareWithRestoredOnes) {
  const Report a = report_of({30, 31});
  Report finished = report_of({31, 32});
  finished.inputs_hash.clear();
  finished.degradation.clear();
  EXPECT_DOUBLE_EQ(compared(a, finished)[0].difference, 1);
}

TEST(Compare, NothingInCommonIsRefused) {
  const Report a = report_of({30, 31});
  Report b = a;
  b.set = "other";
  EXPECT_CHIARO_ERROR(compared(a, b), CheckFailed, "in common");
  b = a;
  b.labels = {"ssim"};
  EXPECT_CHIARO_ERROR(compared(a, b), CheckFailed, "in common");
}

TEST(Compare, JsonHasOneLineEachAndASummary) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto results = compared(report_of({30, 31}), report_of({kInfinity, 31}));
  const std::string text = comparison_json(results);
  const auto first = nlohmann::json::parse(text.substr(0, text.find('\n')));
  EXPECT_EQ(first.at("event"), "comparison");
  EXPECT_EQ(first.at("mean_b"), "inf");
  EXPECT_EQ(first.at("worst_file"), "1.png");
  const auto last = nlohmann::json::parse(text.substr(text.find('\n') + 1));
  EXPECT_EQ(last.at("event"), "summary");
}

}  // namespace
}  // namespace chiaro::eval::compare_test
