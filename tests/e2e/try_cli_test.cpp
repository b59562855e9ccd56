// `chiaro try`: every bundle on the same parts, ranked.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "chiaro/base/files.h"
#include "chiaro/base/rng.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/image/codec.h"
#include "tests/support/events.h"
#include "tests/support/graph_bundle.h"
#include "tests/support/occurrences.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::try_cli_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class TryCli : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_ / "models");
    for (const std::string graph : {"told", "identity", "stack", "twice"}) {
      const auto bundle = test::graph_bundle(graph);
      bundle::write_bundle(folder_ / ("models/" + graph + ".chiaro"), bundle.manifest,
                           bundle.members);
    }
    ::setenv("CHIARO_BUNDLE_PATH", (folder_ / "models").c_str(), 1);
    image::Image picture(3, 90, 120);
    Rng rng(3);
    for (float& value : picture.pixels()) value = static_cast<float>(rng.uniform(0.3, 0.6));
    image::write(photo_, picture);
  }
  void TearDown() override { ::unsetenv("CHIARO_BUNDLE_PATH"); }

  test::ProcessResult tried(std::vector<std::string> more) const {
    std::vector<std::string> words{CHIARO_PROGRAM, "try", photo_, "-o", page_, "--crop-px", "32"};
    words.insert(words.end(), more.begin(), more.end());
    return test::run_process(words);
  }

  test::TemporaryFolder folder_;
  std::string photo_ = folder_ / "photo.png";
  std::string page_ = folder_ / "page.html";
};

TEST_F(TryCli, RanksByPsnrWhereTheTruthIsKnown) {
  // The picture itself as the truth: nothing is as near to it as the bundle that changes nothing.
  const auto result = tried({"--clean", photo_, "--json", "--bundles", "told,stack,identity"});
  ASSERT_EQ(result.status, 0) << result.err;
  std::vector<json> rows;
  for (const json& one : test::events(result.out))
    if (one["event"] == "tried") rows.push_back(one);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0]["bundle"], "identity");
  EXPECT_EQ(rows[0]["rank"], 1);
  EXPECT_GE(rows[1]["psnr"], rows[2]["psnr"]);
  const std::string page = read_text(page_);
  EXPECT_NE(page.find("1. identity"), std::string::npos);
  // Each part is by itself: three bundles and the truth beside it.
  for (const std::string part : {"0", "1", "2"})
    EXPECT_EQ(test::occurrences(page, " data-before=\"before" + part + "\""), 4U);
  EXPECT_EQ(test::occurrences(page, "src=\"data:image/png;base64,"), 3U * 5U);
  EXPECT_EQ(test::occurrences(page, "<h2>Part "), 3U);
  EXPECT_EQ(test::occurrences(page, "(32 × 32 pixels at "), 3U);
  EXPECT_EQ(test::occurrences(page, "<th scope=\"col\">part "), 3U);
  EXPECT_EQ(rows[2]["of_parts"].size(), 3U);
  double error = 0;
  for (const json& psnr : rows[2]["of_parts"]) error += std::pow(10, -psnr.get<double>() / 10) / 3;
  EXPECT_NEAR(rows[2]["psnr"], -10 * std::log10(error), 1e-9);
  EXPECT_EQ(rows[0]["psnr"], "inf");
  EXPECT_EQ(rows[0]["change_levels"], (json{0.0, 0.0, 0.0}));
  EXPECT_GT(rows[2]["change_levels"][0], 0.5);
  EXPECT_NE(page.find("1. identity: identical, unchanged"), std::string::npos);
  EXPECT_EQ(test::occurrences(page, ", unchanged"), 3U * 2U)
      << "as heading and as name of each frame";
  EXPECT_NE(page.find("<td>identical</td>"), std::string::npos);
}

TEST_F(TryCli, OneIdenticalPartDoesNotMakeTheRestGood) {
  const auto first = tried({"--bundles", "stack", "--json"});
  ASSERT_EQ(first.status, 0) << first.err;
  const json parts = test::events(first.out).back()["parts"];
  ASSERT_EQ(parts.size(), 3U);
  // The truth is the photo itself in one part, elsewhere what one bundle makes of it.
  const std::string clean = folder_ / "clean.png";
  ASSERT_EQ(test::run_process({CHIARO_PROGRAM, "restore", photo_, "-o", clean, "--bundle", "stack"})
                .status,
            0);
  const image::Image photo = image::read(photo_);
  image::Image truth = image::read(clean);
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < 32; ++y)
      for (int x = 0; x < 32; ++x) {
        const int row = parts[0]["y"].get<int>() + y;
        const int column = parts[0]["x"].get<int>() + x;
        truth.at(c, row, column) = photo.at(c, row, column);
      }
  }
  image::write(clean, truth);
  const auto result =
      tried({"--clean", clean, "--bundles", "identity,stack", "--json", "--overwrite"});
  ASSERT_EQ(result.status, 0) << result.err;
  const auto events = test::events(result.out);
  std::vector<json> rows;
  for (const json& one : events)
    if (one["event"] == "tried") rows.push_back(one);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0]["bundle"], "stack") << result.out;
  EXPECT_EQ(rows[1]["of_parts"][0], "inf");
  ASSERT_TRUE(rows[1]["psnr"].is_number()) << result.out;
  EXPECT_LT(rows[1]["psnr"], rows[0]["psnr"]);
}

TEST_F(TryCli, ShowsBrightPicturesWithoutANoteOfTheirRange) {
  image::Image bright(3, 90, 120);
  Rng rng(3);
  for (float& value : bright.pixels()) value = static_cast<float>(rng.uniform(0.3, 1.6));
  const std::string photo = folder_ / "bright.pfm";
  image::write(photo, bright);
  const auto result = test::run_process({CHIARO_PROGRAM, "try", photo, "-o", page_, "--crop-px",
                                         "32", "--bundles", "stack,identity"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(test::occurrences(result.err, "cut off"), 0U) << result.err;
}

TEST_F(TryCli, SaysWhereThePageIsAndWhatWasLookedAt) {
  const auto result = tried({"--bundles", "stack"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.out.find("page: " + page_ + "\n"), std::string::npos) << result.out;
  for (const std::string part : {"Part 1: most detail", "Part 2: flattest", "Part 3: darkest"})
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
  EXPECT_EQ(result.err.find("warning"), std::string::npos) << result.err;
  const fs::path before = fs::current_path();
  fs::current_path(folder_.path());
  const auto unnamed =
      test::run_process({CHIARO_PROGRAM, "try", photo_, "--crop-px", "32", "--bundles", "stack"});
  fs::current_path(before);
  EXPECT_NE(unnamed.out.find("page: " + (folder_ / "photo_try.html").string() + "\n"),
            std::string::npos)
      << unnamed.out << unnamed.err;
  EXPECT_TRUE(fs::exists(folder_ / "photo_try.html"));
}

TEST_F(TryCli, SaysWhyThereAreFewerParts) {
  // 120 x 90 pixels have room for one square of 80.
  auto result = test::run_process(
      {CHIARO_PROGRAM, "try", photo_, "-o", page_, "--crop-px", "80", "--bundles", "stack"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.err.find("parts found: 1 of 3; 120 x 90 pixels have no room"), std::string::npos)
      << result.err;
  EXPECT_EQ(test::occurrences(read_text(page_), "<h2>Part "), 1U);
  // One corner has texture, the rest none at all.
  image::Image corner(3, 90, 120, 0.5F);
  Rng rng(4);
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < 32; ++y)
      for (int x = 0; x < 32; ++x) corner.at(c, y, x) = static_cast<float>(rng.uniform(0.3, 0.6));
  image::write(photo_, corner);
  result = tried({"--bundles", "stack", "--overwrite", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.err.find("the rest of the picture is flat"), std::string::npos) << result.err;
  const json summary = test::events(result.out).back();
  ASSERT_EQ(summary["parts"].size(), 1U);
  EXPECT_EQ(summary["parts"][0]["x"], 0);
  EXPECT_EQ(summary["parts"][0]["why"], "most detail");
  EXPECT_NE(summary["shortage"], "");
}

TEST_F(TryCli, RanksByWhatAControllerStillSees) {
  const auto result = tried({"--json", "--crops", "2"});
  ASSERT_EQ(result.status, 0) << result.err;
  double before = 0;
  for (const json& one : test::events(result.out)) {
    if (one["event"] != "tried") continue;
    EXPECT_NE(one["bundle"], "twice") << "it enlarges";
    EXPECT_GE(one["damage_seen"], before);
    before = one["damage_seen"];
    EXPECT_FALSE(one.contains("psnr"));
  }
  EXPECT_GT(before, 0);
}

TEST_F(TryCli, TakesOneRegionAndNamedBundles) {
  const auto result = tried({"--region", "10,20,30,40", "--bundles", "stack,identity"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(test::occurrences(read_text(page_), " data-before=\"before0\""), 2U);
}

TEST_F(TryCli, SaysWhatIsWrong) {
  const auto refused = [&](std::vector<std::string> more, int status, const std::string& part) {
    const auto result = tried(std::move(more));
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    EXPECT_FALSE(fs::exists(page_));
  };
  refused({"--bundles", "twice"}, 2, "enlarges by 2");
  refused({"--bundles", "stak"}, 3, "stack");
  refused({"--region", "100,20,30,40"}, 2, "leaves the picture");
  refused({"--crops", "0"}, 2, "crops");
  image::write(folder_ / "small.png", image::Image(3, 20, 20, 0.5F));
  refused({"--clean", folder_ / "small.png"}, 3, "differs in size");
  write_file_atomically(page_, "mine");
  EXPECT_EQ(tried({}).status, 4);
  EXPECT_EQ(read_text(page_), "mine");
}

}  // namespace
}  // namespace chiaro::try_cli_test
