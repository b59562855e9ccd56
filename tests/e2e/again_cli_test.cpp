// `chiaro restore --again`, with the bundle that ships: what noise had hidden.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/image/codec.h"
#include "tests/support/events.h"
#include "tests/support/process.h"
#include "tests/support/shipped_bundles.h"

namespace chiaro::again_cli_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Words = std::vector<std::string>;

constexpr const char* kClean = CHIARO_SOURCE_DIR "/examples/photos/clean/mountains.jpg";

class Again : public test::ShippedBundles {
 protected:
  static test::ProcessResult run(Words words) {
    words.insert(words.begin(), CHIARO_PROGRAM);
    return test::run_process(words);
  }

  std::string damaged(const std::string& spec) const {
    const std::string out = folder_ / "damaged.png";
    const auto result = run({"degrade", kClean, "-o", out, "--spec", spec, "--overwrite"});
    EXPECT_EQ(result.status, 0) << result.err;
    return out;
  }

  /// The event `restored`.
  json restored(const std::string& in, const std::string& name, Words more) const {
    more.insert(more.begin(), {"restore", in, "-o", file(name), "--json"});
    const auto result = run(more);
    EXPECT_EQ(result.status, 0) << result.err;
    for (const json& event : test::events(result.out))
      if (event["event"] == "restored") return event;
    ADD_FAILURE() << result.out;
    return {};
  }

  std::string file(const std::string& name) const { return folder_ / name; }

  /// Of values in [0,1], against the clean picture.
  static double psnr(const std::string& file) {
    const image::Image a = image::read(file);
    const image::Image b = image::read(kClean);
    double sum = 0;
    for (std::size_t i = 0; i < a.pixels().size(); ++i)
      sum += std::pow(double{a.pixels()[i]} - b.pixels()[i], 2);
    return -10 * std::log10(sum / static_cast<double>(a.pixels().size()));
  }
};

TEST_F(Again, FindsTheHazeThatNoiseHid) {
  const std::string bad = damaged("haze(beta=1.6,airlight=0.9)+noise(sigma_u8=15)");
  const json once = restored(bad, "once.png", {});
  const json twice = restored(bad, "twice.png", {"--again"});
  EXPECT_FALSE(once.contains("below"));
  ASSERT_TRUE(twice.contains("below")) << twice;
  EXPECT_EQ(twice["inspection"]["type"], "noise");
  EXPECT_EQ(twice["below"]["type"], "haze");
  EXPECT_GT(psnr(file("twice.png")), psnr(file("once.png")) + 3);
}

TEST_F(Again, LeavesAResultInWhichNothingElseShows) {
  const std::string bad = damaged("noise(sigma_u8=25)");
  const json twice = restored(bad, "twice.png", {"--again"});
  EXPECT_FALSE(twice.contains("below")) << twice;
  EXPECT_EQ(twice["pixels_sha256"], restored(bad, "once.png", {})["pixels_sha256"]);
}

TEST_F(Again, WorksInFolders) {
  fs::create_directories(folder_ / "in");
  fs::rename(damaged("haze(beta=1.6,airlight=0.9)+noise(sigma_u8=15)"), folder_ / "in/a.png");
  const auto result = run({"restore", folder_ / "in", "-o", folder_ / "out", "--again", "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  const auto events = test::events(result.out);
  const auto event =
      std::ranges::find_if(events, [](const json& one) { return one["event"] == "restored"; });
  ASSERT_TRUE(event != events.end() && event->contains("below")) << result.out;
  EXPECT_EQ((*event)["below"]["type"], "haze");
  EXPECT_EQ(events.back()["restored_again"], 1);
  EXPECT_NE(result.err.find("1 of them was restored once more"), std::string::npos) << result.err;
}

TEST_F(Again, IsHintedAtWhereASecondKindIsSeenDimly) {
  const std::string photo = CHIARO_SOURCE_DIR "/examples/photos/clean/dandelion.jpg";
  const std::string hint = "--again looks at the result";
  const auto said = [&](const std::string& spec, const Words& more) {
    const std::string bad = file("bad.png");
    EXPECT_EQ(
        run({"degrade", photo, "-o", bad, "--spec", spec, "--seed", "3", "--overwrite"}).status, 0);
    Words words{"restore", bad, "-o", file("out.png"), "--overwrite"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words).err;
  };
  const std::string both = "haze(beta=1.6,airlight=0.9)+noise(sigma_u8=15)";
  const std::string hinted = said(both, {});
  EXPECT_NE(hinted.find("haze (perhaps)"), std::string::npos) << hinted;
  EXPECT_NE(hinted.find("if haze is still there, " + hint), std::string::npos) << hinted;
  EXPECT_EQ(said("noise(sigma_u8=15)", {}).find(hint), std::string::npos);
  for (const Words& more : {Words{"--again"}, {"--strength", "0.9"}, {"--region", "0,0,64,64"}})
    EXPECT_EQ(said(both, more).find(hint), std::string::npos) << more.front();
}

TEST_F(Again, IsNamedWhereItKeepsAPictureOutOfStrips) {
  const std::string bad = damaged("noise(sigma_u8=25)");
  const auto result =
      run({"restore", bad, "-o", file("out.png"), "--again", "--max-memory", "40M"});
  EXPECT_EQ(result.status, 6) << result.err;
  EXPECT_NE(result.err.find("--again needs all of the picture in memory"), std::string::npos)
      << result.err;
  EXPECT_FALSE(fs::exists(file("out.png")));
}

TEST_F(Again, RefusesWhatDoesNotGoWithIt) {
  const std::string bad = damaged("noise(sigma_u8=25)");
  const auto refused = [&](const Words& more, const std::string& part) {
    Words words{"restore", bad, "-o", file("none.png"), "--again"};
    words.insert(words.end(), more.begin(), more.end());
    const auto result = run(words);
    EXPECT_EQ(result.status, 2) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    EXPECT_FALSE(fs::exists(file("none.png")));
  };
  refused({"--region", "0,0,64,64"}, "--again looks at the plain whole result");
  refused({"--ensemble"}, "--again looks at the plain whole result");
  refused({"--verify-tiles"}, "--again looks at the plain whole result");
  refused({"--as", "haze(0.5)"}, "--again goes by what the controller sees");
  refused({"--strength", "0.5"}, "--again goes by what the controller sees");
  refused({"--keep-grain", "0.5"}, "--again goes by what the controller sees");
  refused({"--bundle", "plain"}, "expected one with a controller");
}

}  // namespace
}  // namespace chiaro::again_cli_test
