#include "chiaro/eval/report.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "chiaro/base/text.h"
#include "chiaro/eval/table.h"
#include "tests/support/expect_error.h"

namespace chiaro::eval::report_test {
namespace {

Report sample_report() {
  Report report;
  report.set = "rain, light";
  report.restorer = "net";
  report.degradation = "noise(sigma_u8=15.0)";
  report.seed = 7;
  report.targets_hash = "0123";
  report.inputs_hash = "4567";
  report.labels = {"psnr", "ssim"};
  report.fingerprints = {"psnr/1 channel=rgb", "ssim/1 channel=rgb"};
  report.pictures = {{"a.png", "s1", {32.5, 0.9}, {30.0, 0.8}, 0.25},
                     {"b \"x\".png", "s2", {28.0, 0.7}, {31.0, 0.75}, 0.5},
                     {"c.png", "s3", {std::numeric_limits<double>::infinity(), 1}, {40, 0.99}, 0}};
  return report;
}

TEST(ReportText, HoldsMeansInputShareAndWorst) {
  const std::vector<Report> reports{sample_report()};
  const std::string text = report_text(reports);
  for (const char* part : {"psnr/1 channel=rgb", "ssim/1 channel=rgb", "rain, light", "inf",
                           "33.6667", "33.3 %", "3.0000", "b \"x\".png", "0.8667",
                           "noise(sigma_u8=15.0), seed 7", "seed 0, 2000 resamples"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
}

TEST(ReportText, SaysHowManyOfHowManyWereScored) {
  Report report = sample_report();
  const auto rows = [&] { return split(report_text(std::vector<Report>{report}), '\n'); };
  EXPECT_NE(rows()[2].find("rain, light  3  "), std::string::npos) << rows()[2];
  report.failed = {{"d.png", "it is damaged", ErrorCode::Input}};
  EXPECT_NE(rows()[2].find("rain, light  3 of 4  "), std::string::npos) << rows()[2];
}

TEST(ReportText, WithoutInputScoresHasNoSuchColumns) {
  Report report = sample_report();
  report.inputs_hash.clear();
  for (auto& picture : report.pictures) picture.input.clear();
  const std::string text = report_text(std::vector<Report>{report});
  EXPECT_EQ(text.find("worst loss"), std::string::npos);
  EXPECT_EQ(text.find("gain"), std::string::npos);
}

TEST(ReportCsv, QuotesNamesAndWritesInf) {
  const auto lines = split(report_csv(std::vector<Report>{sample_report()}), '\n');
  ASSERT_GE(lines.size(), 4U);
  EXPECT_EQ(lines[0], "set,file,scene,seconds,psnr,psnr_input,ssim,ssim_input");
  EXPECT_EQ(lines[1], "\"rain, light\",a.png,s1,0.2500,32.5000,30.0000,0.9000,0.8000");
  EXPECT_TRUE(lines[2].starts_with("\"rain, light\",\"b \"\"x\"\".png\",s2,")) << lines[2];
  EXPECT_NE(lines[3].find(",inf,40.0000,"), std::string::npos);
}

TEST(ReportJson, EveryLineParsesAndTheLastIsTheSummary) {
  const auto lines = split(report_json(std::vector<Report>{sample_report()}), '\n');
  std::vector<std::string> events;
  for (const auto& line : lines) {
    if (!line.empty()) events.push_back(nlohmann::json::parse(line).at("event"));
  }
  EXPECT_EQ(events, (std::vector<std::string>{"set", "picture", "picture", "picture", "summary"}));
  const auto set = nlohmann::json::parse(lines[0]);
  EXPECT_EQ(set.at("measures")[0].at("fingerprint"), "psnr/1 channel=rgb");
  EXPECT_EQ(set.at("measures")[0].at("mean"), "inf");
  EXPECT_EQ(set.at("measures")[0].at("worst_file"), "b \"x\".png");
  EXPECT_EQ(set.at("measures")[0].at("worst_loss"), 3.0);
  EXPECT_EQ(set.at("targets"), "0123");
  EXPECT_EQ(set.at("seed"), 7);
}

TEST(ReportJson, IsReadBackWhole) {
  const std::vector<Report> before{sample_report()};
  const auto after = parse_report_json(report_json(before), "memory");
  ASSERT_EQ(after.size(), 1U);
  EXPECT_EQ(report_json(after), report_json(before));
  EXPECT_EQ(after[0].pictures[2].restored[0], std::numeric_limits<double>::infinity());
}

TEST(ReportJson, PicturesWithoutScoresAreNamedAndReadBack) {
  Report report = sample_report();
  report.failed = {{"d.png", "it is damaged", ErrorCode::Input},
                   {"e.png", "it was refused", ErrorCode::CheckFailed}};
  const std::vector<Report> before{report};
  std::vector<nlohmann::json> lines;
  for (const auto& line : split(report_json(before), '\n'))
    if (!line.empty()) lines.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(lines.size(), 7U);
  EXPECT_EQ(lines[0].at("pictures"), 3);
  EXPECT_EQ(lines[0].at("failed"), 2);
  EXPECT_EQ(lines[5], nlohmann::json({{"event", "failed"},
                                      {"set", "rain, light"},
                                      {"file", "e.png"},
                                      {"message", "it was refused"},
                                      {"exit_status", 7}}));
  EXPECT_EQ(lines[6].at("pictures"), 3);
  EXPECT_EQ(lines[6].at("failed"), 2);
  const auto after = parse_report_json(report_json(before), "memory");
  ASSERT_EQ(after.size(), 1U);
  EXPECT_EQ(report_json(after), report_json(before));
  ASSERT_EQ(after[0].failed.size(), 2U);
  EXPECT_EQ(after[0].failed[1].code, ErrorCode::CheckFailed);
}

TEST(ReportJson, NamesThatAreNotUtf8DoNotFail) {
  Report report = sample_report();
  report.pictures[0].name = "caf\xE9.png";
  const auto after = parse_report_json(report_json(std::vector<Report>{report}), "memory");
  EXPECT_EQ(after[0].pictures.size(), 3U);
}

TEST(ReportJson, BadFilesAreRefusedWithTheLine) {
  const std::string good = report_json(std::vector<Report>{sample_report()});
  const std::string cut = good.substr(0, good.size() / 2);
  EXPECT_CHIARO_ERROR(parse_report_json(cut, "cut.json"), Input, "cut.json:");
  const std::string ended = good.substr(0, good.rfind("{\"event\":\"summary\""));
  EXPECT_CHIARO_ERROR(parse_report_json(ended, "x.json"), Input, "not a whole score report");
  EXPECT_CHIARO_ERROR(parse_report_json("", "x.json"), Input, "x.json");
  EXPECT_CHIARO_ERROR(parse_report_json("{\"event\": 3}", "x.json"), Input, "x.json:1");
  EXPECT_CHIARO_ERROR(parse_report_json("{\"event\":\"picture\",\"set\":\"unknown\"}", "x.json"),
                      Input, "x.json:1");
  const std::string no_pictures = good.substr(0, good.find('\n') + 1) + "{\"event\":\"summary\"}";
  EXPECT_CHIARO_ERROR(parse_report_json(no_pictures, "x.json"), Input, "no pictures");
}

TEST(AlignedTable, CountsCharactersNotBytes) {
  EXPECT_EQ(aligned_table({{"σ", "n"}, {"ab", "10"}}), "σ    n\nab  10\n");
}

}  // namespace
}  // namespace chiaro::eval::report_test
