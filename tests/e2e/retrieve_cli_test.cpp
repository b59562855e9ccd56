// `chiaro retrieve` around an encoder whose codes are known.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/image/codec.h"
#include "tests/support/encoder_bundle.h"
#include "tests/support/events.h"
#include "tests/support/graph_bundle.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::retrieve_cli_test {
namespace {

namespace fs = std::filesystem;
using test::events;

/// Rows of dark, middling and bright pictures, each plain and striped. The graph gives the
/// direction of (m − 0.5, 10 v + 0.001) with mean m and variance v; "content" sees pictures reduced
/// to 16 × 16, where stripes vanish, and "degradation" as they are.
class RetrieveCli : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_ / "photos/below");
    write_bundle({"content", 2, true});
    write_bundle({"degradation", 2, false});
    write("dark.png", 0.3F, 0);
    write("below/dark_striped.png", 0.3F, 0.2F);
    write("bright.png", 0.7F, 0);
    write("bright_striped.png", 0.7F, 0.2F);
  }

  /// An encoder of this one part, under the part's name.
  void write_bundle(const bundle::CodePart& part) {
    bundle::Bundle encoder = test::code_bundle({part});
    encoder.manifest.name = part.name;
    bundle::write_bundle(folder_ / (part.name + ".chiaro"), encoder.manifest, encoder.members);
  }

  void write(const std::string& name, float mean, float swing) {
    image::Image picture(3, 64, 64);
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < 64; ++y)
        for (int x = 0; x < 64; ++x) picture.at(c, y, x) = mean + (x % 2 == 0 ? swing : -swing);
    image::write(folder_ / ("photos/" + name), picture);
  }

  test::ProcessResult retrieve(const std::string& query, const std::string& by,
                               std::vector<std::string> more = {}) {
    std::vector<std::string> words = {CHIARO_PROGRAM,
                                      "retrieve",
                                      folder_ / ("photos/" + query),
                                      "--in",
                                      folder_ / "photos",
                                      "--by",
                                      by,
                                      "--bundle",
                                      folder_ / (by + ".chiaro")};
    words.insert(words.end(), more.begin(), more.end());
    return test::run_process(words);
  }

  test::TemporaryFolder folder_;
};

TEST_F(RetrieveCli, FindsTheSceneByContentAndTheDamageByDegradation) {
  const auto content = events(retrieve("dark.png", "content", {"--json"}).out);
  ASSERT_EQ(content.size(), 4U);
  EXPECT_EQ(fs::path(content[0]["file"]).filename(), "dark_striped.png");
  EXPECT_NEAR(content[0]["cosine"], 1, 1e-4);
  EXPECT_LT(content[1]["cosine"], 0);
  EXPECT_EQ(content[3]["event"], "summary");
  EXPECT_EQ(content[3]["compared"], 3);
  const auto damage = events(retrieve("bright_striped.png", "degradation", {"--json"}).out);
  ASSERT_EQ(damage.size(), 4U);
  EXPECT_EQ(fs::path(damage[0]["file"]).filename(), "dark_striped.png");
}

TEST_F(RetrieveCli, AsksTheControllerOfABundleThatRestores) {
  const auto told = test::graph_bundle("told");
  bundle::write_bundle(folder_ / "degradation.chiaro", told.manifest, told.members);
  const std::vector<std::string> kept{"--json", "--index", folder_ / "index"};
  const auto damage = events(retrieve("bright_striped.png", "degradation", kept).out);
  ASSERT_EQ(damage.size(), 4U);
  EXPECT_EQ(fs::path(damage[0]["file"]).filename(), "dark_striped.png");
  EXPECT_GT(damage[0]["cosine"], damage[1]["cosine"].get<double>() + 0.1);
  EXPECT_EQ(damage[3]["computed"], 4);
  const auto again = events(retrieve("bright_striped.png", "degradation", kept).out);
  EXPECT_EQ(again[3]["from_index"], 4);
  bundle::write_bundle(folder_ / "content.chiaro", told.manifest, told.members);
  const auto refused = retrieve("dark.png", "content");
  EXPECT_EQ(refused.status, 5);
  EXPECT_NE(refused.err.find("makes no codes of content; expected --bundle with one that does"),
            std::string::npos)
      << refused.err;
}

TEST_F(RetrieveCli, PrintsATableOfTheNearest) {
  const auto result = retrieve("dark.png", "content", {"--top", "1"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 2) << result.out;
  EXPECT_NE(result.out.find("dark_striped.png"), std::string::npos);
  EXPECT_EQ(result.out.find("photos/dark.png"), std::string::npos);  // the query itself
}

TEST_F(RetrieveCli, BrokenPicturesAreNamedAndTheRestRanked) {
  write_file_atomically(folder_ / "photos/broken.png", "no picture");
  const auto result = retrieve("dark.png", "content");
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.err.find("broken.png"), std::string::npos);
  EXPECT_NE(result.out.find("dark_striped.png"), std::string::npos);
  EXPECT_EQ(retrieve("broken.png", "content").status, 3);
}

TEST_F(RetrieveCli, RefusesInOneSentence) {
  const auto refused = [&](const std::vector<std::string>& words, int status,
                           const std::string& part) {
    const auto result = test::run_process(words);
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  };
  const std::string query = folder_ / "photos/dark.png";
  const std::string bundle = folder_ / "content.chiaro";
  refused({CHIARO_PROGRAM, "retrieve", query, "--in", query, "--by", "content", "--bundle", bundle},
          3, "is no folder");
  fs::create_directories(folder_ / "empty");
  refused({CHIARO_PROGRAM, "retrieve", query, "--in", folder_ / "empty", "--by", "content",
           "--bundle", bundle},
          3, "no other pictures");
  refused({CHIARO_PROGRAM, "retrieve", query, "--in", folder_ / "photos", "--by", "colour",
           "--bundle", bundle},
          2, "colour");
  const auto plain = test::graph_bundle("stack");
  bundle::write_bundle(folder_ / "plain.chiaro", plain.manifest, plain.members);
  refused({CHIARO_PROGRAM, "retrieve", query, "--in", folder_ / "photos", "--by", "content",
           "--bundle", folder_ / "plain.chiaro"},
          5, "none ships: train one with chiaro train recipes/dcodr.toml");
  ::setenv("CHIARO_BUNDLE_PATH", folder_.path().c_str(), 1);
  refused({CHIARO_PROGRAM, "retrieve", query, "--in", folder_ / "photos", "--by", "content",
           "--bundle", "plain"},
          5,
          "expected --bundle with one that does, such as " + (folder_ / "content.chiaro").string() +
              "\n");
  refused({CHIARO_PROGRAM, "retrieve", query, "--in", folder_ / "photos", "--by", "degradation",
           "--bundle", "plain"},
          5, "default.chiaro, " + (folder_ / "degradation.chiaro").string() + "\n");
  ::unsetenv("CHIARO_BUNDLE_PATH");
}

}  // namespace
}  // namespace chiaro::retrieve_cli_test
