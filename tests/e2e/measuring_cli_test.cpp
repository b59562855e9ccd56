// What `chiaro score` and `eval` measure by and write: pairing, channel, border, the parts of the
// protocol, the first pictures of a set, reports in files, floors of a suite. The numbers are
// closed forms of flat pictures.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/image/codec.h"
#include "tests/support/bundle_folder.h"
#include "tests/support/events.h"
#include "tests/support/occurrences.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::measuring_cli_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::ProcessResult;
using Words = std::vector<std::string>;

constexpr int kSide = 20;

image::Image flat(float level) {
  return image::Image(3, kSide, kSide, level / 255.0F);
}

/// Of two pictures that differ by this many levels of 255 everywhere.
double psnr_of(double levels) {
  return 20 * std::log10(255 / levels);
}

class MeasuringCli : public testing::Test {
 protected:
  void SetUp() override {
    test::use_default_bundle(folder_ / "models", "identity");
    put("clean/a.png", flat(100));
    put("in/a.png", flat(105));
  }
  void TearDown() override { ::unsetenv("CHIARO_BUNDLE_PATH"); }

  void put(const std::string& name, const image::Image& picture) const {
    fs::create_directories((folder_ / name).parent_path());
    image::write(folder_ / name, picture);
  }

  static ProcessResult chiaro(Words words) {
    words.insert(words.begin(), CHIARO_PROGRAM);
    return test::run_process(words);
  }
  /// The event `set` of `score` with the metric psnr.
  static json scored(const std::string& input, const std::string& target, Words more = {}) {
    more.insert(more.begin(), {"score", "--input", input, "--target", target, "--metric", "psnr",
                               "--json", "--quiet"});
    const auto result = chiaro(more);
    EXPECT_EQ(result.status, 0) << result.err;
    return result.status == 0 ? test::events(result.out).front() : json();
  }
  double psnr(const Words& more = {}) const {
    return scored(in_, clean_, more)["measures"][0]["mean"];
  }
  static void expect_refused(const ProcessResult& result, int status, const std::string& part) {
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
    EXPECT_EQ(result.out, "");
  }

  /// A suite of one set, whose pictures score 20·log10(255/5) = 34.151 dB.
  std::string suite(const std::string& goal) const {
    write_file_atomically(folder_ / "suite.toml",
                          "metrics = [\"psnr\"]\n[[set]]\nname = \"five levels\"\ninput = \"in\"\n"
                          "target = \"clean\"\n" +
                              goal + "\n");
    return folder_ / "suite.toml";
  }
  ProcessResult evaluate(const std::string& goal, Words more) const {
    more.insert(more.begin(),
                {"eval", "--suite", suite(goal), "--data", folder_.path(), "--quiet"});
    return chiaro(more);
  }

  test::TemporaryFolder folder_;
  std::string in_ = folder_ / "in";
  std::string clean_ = folder_ / "clean";
};

TEST_F(MeasuringCli, TheChannelIsRgbOrLuma) {
  image::Image reddish = flat(100);
  for (float& value : reddish.plane(0)) value = 110.0F / 255.0F;
  put("in/a.png", reddish);
  EXPECT_NEAR(psnr(), psnr_of(10) + 10 * std::log10(3), 1e-4);
  EXPECT_EQ(psnr({"--channel", "rgb"}), psnr());
  EXPECT_NEAR(psnr({"--channel", "y"}), psnr_of(10 * 65.481 / 255), 1e-4);
  EXPECT_NEAR(psnr({"--channel", "y", "--protocol", "luma=full"}), psnr_of(10 * 0.299), 1e-4);
  expect_refused(chiaro({"score", "--input", in_, "--target", clean_, "--channel", "g"}), 2,
                 "known: rgb, y");
}

TEST_F(MeasuringCli, TheBorderIsLeftOut) {
  image::Image framed = flat(110);
  for (int c = 0; c < 3; ++c) {
    for (int y = 2; y < kSide - 2; ++y) {
      for (int x = 2; x < kSide - 2; ++x) framed.at(c, y, x) = 101.0F / 255.0F;
    }
  }
  put("in/a.png", framed);
  // 144 pixels of the frame are off by 10 levels, the 256 within by one.
  EXPECT_NEAR(psnr(), psnr_of(std::sqrt((144 * 100 + 256) / 400.0)), 1e-4);
  EXPECT_NEAR(psnr({"--border", "1"}), psnr_of(std::sqrt((68 * 100 + 256) / 324.0)), 1e-4);
  EXPECT_NEAR(psnr({"--border", "2"}), psnr_of(1), 1e-4);
  EXPECT_NEAR(psnr({"--protocol", "border_px=2"}), psnr_of(1), 1e-4);
  EXPECT_EQ(scored(in_, clean_, {"--border", "2"})["measures"][0]["fingerprint"],
            "psnr/1 channel=rgb rounding=none clip=true border_px=2 crop_multiple=1 "
            "psnr_epsilon=0.0");
  EXPECT_EQ(chiaro({"score", "--input", in_, "--target", clean_, "--border", "-1"}).status, 2);
}

TEST_F(MeasuringCli, ThePartsOfTheProtocolCount) {
  fs::remove(in_ + "/a.png");
  put("in/a.pfm", flat(100.4F));
  EXPECT_NEAR(psnr(), psnr_of(0.4), 1e-3);
  EXPECT_EQ(scored(in_, clean_, {"--protocol", "rounding=u8"})["measures"][0]["mean"], "inf");
  EXPECT_NEAR(psnr({"--protocol", "rounding=u8", "--protocol", "psnr_epsilon=0.0001"}), 40, 1e-4);
  expect_refused(chiaro({"score", "--input", in_, "--target", clean_, "--protocol", "roundin=u8"}),
                 2, "'roundin'");
  expect_refused(chiaro({"score", "--input", in_, "--target", clean_, "--protocol", "rounding"}), 2,
                 "expected key=value");
}

TEST_F(MeasuringCli, ScoresOfUnlikeProtocolsAreNotCompared) {
  const auto saved = [&](const std::string& name, Words more) {
    more.insert(more.end(), {"--save-json", folder_ / name});
    scored(in_, clean_, more);
    return (folder_ / name).string();
  };
  const std::string rgb = saved("rgb.json", {});
  const auto same = chiaro({"compare", rgb, saved("again.json", {"--channel", "rgb"})});
  EXPECT_EQ(same.status, 0) << same.err;
  for (const Words& more :
       {Words{"--channel", "y"}, Words{"--border", "1"}, Words{"--protocol", "rounding=u8"}}) {
    const auto unlike = chiaro({"compare", rgb, saved("other.json", more)});
    EXPECT_EQ(unlike.status, 7) << more[0] << unlike.out << unlike.err;
    EXPECT_NE(unlike.err.find("protocol"), std::string::npos) << unlike.err;
  }
}

TEST_F(MeasuringCli, TheRuleSaysWhichTwoBelongTogether) {
  const std::string all = folder_ / "all";
  put("all/1_photo.png", flat(100));
  put("all/1_scan.png", flat(102));
  put("all/1_print.png", flat(110));
  const auto by = [&](const std::string& rule) {
    return scored(all, all, {"--pair", rule})["measures"][0]["mean"].get<double>();
  };
  EXPECT_NEAR(by("_scan:_photo"), psnr_of(2), 1e-4);
  EXPECT_NEAR(by("_print:_photo"), psnr_of(10), 1e-4);
  EXPECT_NEAR(by("_print:_scan"), psnr_of(8), 1e-4);
  const auto refused = [&](const std::string& rule, int status, const std::string& part) {
    expect_refused(chiaro({"score", "--input", all, "--target", all, "--pair", rule}), status,
                   part);
  };
  refused("scan", 2, "cannot read the pairing rule");
  refused("_scan:_film", 3, "1_scan.png");
  const auto evaluated = chiaro({"eval", "--input", all, "--target", all, "--pair", "_scan:_photo",
                                 "--metric", "psnr", "--json", "--quiet"});
  ASSERT_EQ(evaluated.status, 0) << evaluated.err;
  EXPECT_NEAR(test::events(evaluated.out).front()["measures"][0]["mean"], psnr_of(2), 1e-4);
}

TEST_F(MeasuringCli, OnlyTheFirstPictures) {
  put("clean/b.png", flat(100));
  put("in/b.png", flat(101));
  EXPECT_NEAR(psnr(), (psnr_of(5) + psnr_of(1)) / 2, 1e-4);
  EXPECT_NEAR(psnr({"--limit", "1"}), psnr_of(5), 1e-4);
  EXPECT_EQ(psnr({"--limit", "2"}), psnr());
  EXPECT_EQ(scored(in_, clean_, {"--limit", "1"})["pictures"], 1);
  const auto evaluated = evaluate("floor_db = 34", {"--json", "--limit", "1"});
  ASSERT_EQ(evaluated.status, 0) << evaluated.err;
  const json set = test::events(evaluated.out).front();
  EXPECT_EQ(set["pictures"], 1);
  EXPECT_NEAR(set["measures"][0]["mean"], psnr_of(5), 1e-3);
}

/// The words of a command on the folders `in` and `clean`.
Words on_folders(const std::string& command, const std::string& in, const std::string& clean,
                 const Words& more) {
  Words words{command, "--input", in, "--target", clean, "--metric", "psnr"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST_F(MeasuringCli, ABrokenPictureIsNamedAndTheOthersAreScored) {
  put("clean/c.png", flat(100));
  put("in/c.png", flat(101));
  put("clean/b.png", flat(100));
  write_file_atomically(folder_ / "in/b.png", std::string_view("no picture at all"));
  for (const std::string command : {"score", "eval"}) {
    const auto result = chiaro(on_folders(command, in_, clean_, {}));
    EXPECT_EQ(result.status, 1) << result.err;
    EXPECT_NE(result.err.find("error: 1 of 3 pictures not scored, and in no figure:\n  " + clean_ +
                              ", b.png: "),
              std::string::npos)
        << result.err;
    EXPECT_NE(result.err.find("not a picture"), std::string::npos) << result.err;
    EXPECT_EQ(test::occurrences(result.err, ", b.png: "), 1U) << result.err;
    const std::string mean = fmt::format("{:.3f}", (psnr_of(5) + psnr_of(1)) / 2);
    EXPECT_NE(result.out.find("  2 of 3  " + mean.substr(0, mean.size() - 1)), std::string::npos)
        << mean << result.out;

    const auto said =
        test::events(chiaro(on_folders(command, in_, clean_, {"--json", "--quiet"})).out);
    ASSERT_EQ(said.size(), 5U);
    EXPECT_EQ(said[0]["pictures"], 2);
    EXPECT_EQ(said[0]["failed"], 1);
    EXPECT_EQ(said[1]["file"], "a.png");
    EXPECT_EQ(said[2]["file"], "c.png");
    EXPECT_EQ(said[3]["event"], "failed");
    EXPECT_EQ(said[3]["file"], "b.png");
    EXPECT_EQ(said[3]["exit_status"], 3);
    EXPECT_EQ(said[4]["failed"], 1);
  }
}

TEST_F(MeasuringCli, WhatIsMissingCountsBeforeAMissedFloor) {
  put("clean/b.png", flat(100));
  write_file_atomically(folder_ / "in/b.png", std::string_view("no picture at all"));
  EXPECT_EQ(evaluate("floor_db = 34.1", {"--check"}).status, 1);
  const auto missed = evaluate("floor_db = 34.2", {"--check"});
  EXPECT_EQ(missed.status, 1);
  EXPECT_NE(missed.err.find("below their floors: 'five levels'"), std::string::npos) << missed.err;
  EXPECT_NE(missed.out.find("MISSED"), std::string::npos) << missed.out;
}

TEST_F(MeasuringCli, WhereNoPictureCanBeScoredTheFirstSaysWhy) {
  write_file_atomically(folder_ / "in/a.png", std::string_view("no picture at all"));
  for (const std::string command : {"score", "eval"}) {
    const auto result = chiaro(on_folders(command, in_, clean_, {"--quiet"}));
    expect_refused(result, 3, "picture 'a.png': ");
  }
}

TEST_F(MeasuringCli, PicturesInFoldersBelowAreLeftAsideAndSaidSo) {
  put("in/more/b.png", flat(0));
  for (const std::string command : {"score", "eval"}) {
    const auto result = chiaro(on_folders(command, in_, clean_, {}));
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_NE(result.err.find("left aside in folders below '" + in_ + "': 1 picture\n"),
              std::string::npos)
        << result.err;
    EXPECT_NE(result.out.find("34.15"), std::string::npos) << result.out;
    const auto quiet = chiaro(on_folders(command, in_, clean_, {"--quiet"}));
    EXPECT_EQ(quiet.err, "");
  }
}

TEST_F(MeasuringCli, ReportsGoIntoFiles) {
  const std::string in_json = folder_ / "report.json";
  const std::string in_csv = folder_ / "report.csv";
  for (const Words& command : {Words{"score"}, Words{"eval"}}) {
    Words words = command;
    words.insert(words.end(), {"--input", in_, "--target", clean_, "--name", "five", "--metric",
                               "psnr", "--quiet", "--save-json", in_json, "--save-csv", in_csv});
    const auto shown = chiaro(words);
    ASSERT_EQ(shown.status, 0) << shown.err;
    EXPECT_NE(shown.out.find("34.15"), std::string::npos) << shown.out;  // the table all the same
    const auto said = test::events(read_text(in_json));
    ASSERT_EQ(said.size(), 3U);
    EXPECT_NEAR(said[0]["measures"][0]["mean"], psnr_of(5), 1e-3);
    EXPECT_EQ(said[1]["file"], "a.png");
    EXPECT_NEAR(said[1]["scores"]["psnr"], psnr_of(5), 1e-3);
    const std::string csv = read_text(in_csv);
    EXPECT_TRUE(csv.starts_with("set,file,scene,seconds,psnr,psnr_input\nfive,a.png,")) << csv;
    EXPECT_EQ(std::ranges::count(csv, '\n'), 2) << csv;
    EXPECT_NE(csv.find(",34.15"), std::string::npos) << csv;
  }
  for (const char* option : {"--save-json", "--save-csv"}) {
    const auto refused =
        chiaro({"score", "--input", in_, "--target", clean_, option, folder_ / "no/report"});
    EXPECT_EQ(refused.status, 4) << refused.err;
    EXPECT_NE(refused.err.find("no"), std::string::npos) << refused.err;
    // Before the work, in which a missing picture would be found first.
    for (const char* command : {"score", "eval"})
      EXPECT_EQ(chiaro({command, "--input", folder_ / "none", "--target", clean_, option,
                        folder_ / "no/report"})
                    .status,
                4)
          << command;
  }
}

TEST_F(MeasuringCli, AMissedFloorEndsWithSevenWhereAsked) {
  for (const std::string held : {"floor_db = 34.1", "floor_gain_db = -0.01", "aim_db = 50"}) {
    const auto result = evaluate(held, {"--check"});
    EXPECT_EQ(result.status, 0) << held << result.err;
    EXPECT_EQ(result.out.find("MISSED"), std::string::npos) << result.out;
  }
  for (const std::string missed : {"floor_db = 34.2", "floor_gain_db = 0.01"}) {
    const auto result = evaluate(missed, {"--check"});
    EXPECT_EQ(result.status, 7) << missed;
    EXPECT_EQ(result.err, "error: [cli.eval] below their floors: 'five levels'\n");
    EXPECT_NE(result.out.find("MISSED"), std::string::npos) << result.out;
    EXPECT_EQ(evaluate(missed, {}).status, 0);
  }
}

TEST_F(MeasuringCli, ASuiteStatesWhatIsMeasured) {
  for (const Words& more : {Words{"--input", in_}, Words{"--channel", "y"}, Words{"--border", "1"},
                            Words{"--protocol", "rounding=u8"}, Words{"--pair", "_a:_b"}}) {
    const auto result = evaluate("", more);
    expect_refused(result, 2, " excludes ");
    EXPECT_NE(result.err.find(more[0]), std::string::npos) << result.err;
  }
  fs::remove_all(in_);
  expect_refused(evaluate("", {}), 3, "expected in it: in");
  EXPECT_EQ(evaluate("flor_db = 30", {}).status, 2);
  EXPECT_EQ(chiaro({"eval", "--suite", folder_ / "none.toml", "--data", folder_.path()}).status, 3);
}

}  // namespace
}  // namespace chiaro::measuring_cli_test
