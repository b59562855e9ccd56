#include "chiaro/eval/found_types.h"

#include <gtest/gtest.h>

#include "chiaro/eval/evaluate.h"
#include "chiaro/eval/report.h"
#include "tests/support/expect_error.h"

namespace chiaro::eval::found_types_test {
namespace {

const std::vector<std::string> kKnown{"clean", "noise", "jpeg", "blur", "rain"};
using Types = std::vector<std::string>;

TEST(TypesOfSpec, AreItsStepsAsTheControllerNamesThem) {
  EXPECT_EQ(types_of_spec("noise(sigma_u8=25)", kKnown), Types{"noise"});
  EXPECT_EQ(types_of_spec("clean", kKnown), Types{"clean"});
  EXPECT_EQ(types_of_spec("poisson_gaussian", kKnown), Types{"noise"});
  for (const char* blur : {"gaussian_blur", "defocus_blur", "motion_blur"})
    EXPECT_EQ(types_of_spec(blur, kKnown), Types{"blur"});
  EXPECT_EQ(types_of_spec("rain+noise+poisson_gaussian", kKnown), (Types{"rain", "noise"}));
  const Types finer{"clean", "motion_blur"};
  EXPECT_EQ(types_of_spec("motion_blur", finer), Types{"motion_blur"});
  // What no type stands for cannot be found.
  EXPECT_EQ(types_of_spec("downscale", kKnown), Types{});
  EXPECT_EQ(types_of_spec("rain+quantize", kKnown), Types{});
  EXPECT_EQ(types_of_spec("gaussian_blur", finer), Types{});
  EXPECT_CHIARO_ERROR(types_of_spec("nois", kKnown), Usage, "noise");
}

TEST(StatedTypes, MustBeKnown) {
  EXPECT_EQ(stated_types("rain", kKnown), Types{"rain"});
  EXPECT_EQ(stated_types("rain + noise", kKnown), (Types{"rain", "noise"}));
  EXPECT_CHIARO_ERROR(stated_types("rains", kKnown), Usage, "did you mean 'rain'");
}

Report report_of(const Types& expected, const Types& found) {
  Report report;
  report.set = "set";
  report.labels = {"psnr"};
  report.fingerprints = {"psnr/1"};
  report.types = expected;
  for (const auto& type : found) {
    report.pictures.push_back({std::to_string(report.pictures.size()), "s", {30.0}, {20.0}, 0.5});
    report.pictures.back().type_found = type;
  }
  return report;
}

TEST(TypeSummary, CountsWhatIsRight) {
  const auto summary = summarize_types(report_of({"rain"}, {"rain", "noise", "rain", "jpeg"}));
  ASSERT_TRUE(summary.has_value());
  EXPECT_DOUBLE_EQ(*summary->right_share, 0.5);
  EXPECT_EQ(summary->found.at("rain"), 2U);
  EXPECT_DOUBLE_EQ(*summarize_types(report_of({"rain", "jpeg"}, {"jpeg", "rain"}))->right_share, 1);
  EXPECT_FALSE(summarize_types(report_of({}, {"rain"}))->right_share.has_value());
  EXPECT_FALSE(summarize_types(report_of({"rain"}, {"rain", ""})).has_value());
}

TEST(TypeSummary, OfTheMildestTenthCleanIsRightToo) {
  const Types found{"rain", "clean", "rain",  "clean", "rain",
                    "rain", "rain",  "clean", "rain",  "rain"};
  Report report = report_of({"rain"}, found);
  report.pictures[3].input = {35.0};
  EXPECT_DOUBLE_EQ(*summarize_types(report)->right_or_mild_share, 0.8) << "the third picture alone";
  EXPECT_DOUBLE_EQ(*summarize_types(report)->right_share, 0.7);
  report.pictures[3].input = {};
  report.pictures[0].input = {35.0};
  EXPECT_DOUBLE_EQ(*summarize_types(report)->right_or_mild_share, 0.7) << "the mildest was named";
  report.labels = {"ssim"};
  EXPECT_DOUBLE_EQ(*summarize_types(report)->right_or_mild_share, 0.7) << "no PSNR";
  EXPECT_DOUBLE_EQ(*summarize_types(report_of({"rain"}, Types(9, "clean")))->right_or_mild_share, 0)
      << "a tenth of nine is none";
}

TEST(TypeSummary, OfSeveralSetsPicturesAreCountedTogether) {
  const std::vector<Report> reports{report_of({"rain"}, {"rain", "noise", "rain", "rain"}),
                                    report_of({"jpeg", "noise"}, {"jpeg"}),
                                    report_of({}, {"rain"})};
  const std::string text = types_text(reports);
  EXPECT_NE(text.find("jpeg or noise"), std::string::npos) << text;
  EXPECT_NE(text.find("80.0 %"), std::string::npos)
      << text << "4 of 5; of the last set nobody knows";
  EXPECT_EQ(types_text(std::span(reports).first(1)).find("all of them"), std::string::npos);
}

TEST(TypeSummary, IsInTextCsvAndJson) {
  const std::vector<Report> reports{report_of({"rain"}, {"rain", "noise", "rain", "rain"})};
  const std::string text = report_text(reports);
  EXPECT_NE(text.find("75.0 %"), std::string::npos) << text;
  EXPECT_NE(text.find("rain 3, noise 1"), std::string::npos) << text;
  EXPECT_NE(report_csv(reports).find(",type_found\n"), std::string::npos);
  EXPECT_NE(report_csv(reports).find(",noise\n"), std::string::npos);
  const std::string json = report_json(reports);
  EXPECT_NE(json.find("\"type_accuracy\":0.75"), std::string::npos) << json;
  const auto back = parse_report_json(json, "test");
  EXPECT_EQ(back.at(0).types, Types{"rain"});
  EXPECT_EQ(back.at(0).pictures.at(1).type_found, "noise");
  EXPECT_EQ(report_json(back), json);
  // Nothing of it where no controller looked.
  const std::vector<Report> plain{report_of({}, {"", ""})};
  EXPECT_EQ(types_text(plain), "");
  EXPECT_EQ(report_csv(plain).find("type_found"), std::string::npos);
  EXPECT_EQ(report_json(plain).find("type"), std::string::npos);
}

}  // namespace
}  // namespace chiaro::eval::found_types_test
