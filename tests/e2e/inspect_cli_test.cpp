// Conditioned bundles on the command line: `inspect`, and what `restore` and `eval` say of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>
#include <span>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/pages.h"
#include "tests/support/encoder_bundle.h"
#include "tests/support/events.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::inspect_cli_test {
namespace {

namespace fs = std::filesystem;
using test::events;
using Json = nlohmann::json;

/// A folder with the bundle "default" (graphs `told` and `controller`, types clean, noise, haze),
/// the plain bundle "plain", and pictures of which the controller's words are known.
class InspectCli : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_ / "models");
    const auto told = test::graph_bundle("told");
    bundle::write_bundle(folder_ / "models/default.chiaro", told.manifest, told.members);
    const auto plain = test::graph_bundle("stack");
    bundle::write_bundle(folder_ / "models/plain.chiaro", plain.manifest, plain.members);
    ::setenv("CHIARO_BUNDLE_PATH", (folder_.path() / "models").c_str(), 1);
    image::Image dark(3, 40, 56, 0.0F);    // clean 1; novelty 2
    image::Image bright(3, 40, 56, 1.0F);  // haze 1; novelty 2, unlike training
    image::Image striped(3, 40, 56);       // s = 0.25: noise 1; novelty 0
    for (int c = 0; c < 3; ++c) {
      for (int y = 0; y < 40; ++y) {
        for (int x = 0; x < 56; ++x) {
          // A grain of one level, without which they would count as drawn.
          const float grain = (x + y) % 2 == 0 ? 1.0F / 255 : 0.0F;
          dark.at(c, y, x) += grain;
          bright.at(c, y, x) -= grain;
          striped.at(c, y, x) = (x % 2 == 0 ? 0.2F : 0.8F) + grain;
        }
      }
    }
    image::write(dark_, dark);
    image::write(bright_, bright);
    image::write(striped_, striped);
  }
  void TearDown() override { ::unsetenv("CHIARO_BUNDLE_PATH"); }

  static test::ProcessResult chiaro(std::vector<std::string> words) {
    words.insert(words.begin(), CHIARO_PROGRAM);
    return test::run_process(words);
  }

  void expect_refused(const std::vector<std::string>& words, int status, const std::string& part) {
    const auto result = chiaro(words);
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_FALSE(fs::exists(out_));
  }

  test::TemporaryFolder folder_;
  std::string dark_ = folder_ / "dark.png";
  std::string bright_ = folder_ / "bright.png";
  std::string striped_ = folder_ / "striped.png";
  std::string out_ = folder_ / "out.png";
};

TEST_F(InspectCli, TellsWhatIsWrong) {
  const auto result = chiaro({"inspect", striped_});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_TRUE(
      result.out.starts_with(striped_ + ": noise (sure): would be restored at full strength\n"))
      << result.out;
  EXPECT_NE(result.out.find("noise 1.00 (severity 0.60)"), std::string::npos) << result.out;
  EXPECT_EQ(result.out.find("unlike"), result.out.rfind("unlike training")) << result.out;
  const std::string bright = chiaro({"inspect", bright_}).out;
  EXPECT_TRUE(bright.starts_with(bright_ +
                                 ": haze (sure): would be restored at strength 0.25; it is unlike "
                                 "anything seen in training\n"))
      << bright;
  const std::string dark = chiaro({"inspect", dark_}).out;
  EXPECT_TRUE(dark.starts_with(dark_ + ": looks clean: would be left as it is\n")) << dark;
}

TEST_F(InspectCli, TakesOnePictureFromAPipe) {
  const auto piped = test::run_process({CHIARO_PROGRAM, "inspect", "-", "--json"}, striped_);
  ASSERT_EQ(piped.status, 0) << piped.err;
  Json found = events(piped.out).at(0);
  EXPECT_EQ(found["file"], "standard input");
  Json named = events(chiaro({"inspect", striped_, "--json"}).out).at(0);
  found.erase("file");
  named.erase("file");
  EXPECT_EQ(found, named);
  expect_refused({"inspect", striped_, "-"}, 2, "standard input is one picture");
  EXPECT_EQ(test::run_process({CHIARO_PROGRAM, "inspect", "-"}).status, 3);  // nothing comes
}

TEST_F(InspectCli, WordsSayHowSureAndWhatIsHeldBackOnlyWhereItShows) {
  // Around 0.52 with a deviation of s: noise 4 s, of the rest 0.52 haze and 0.48 clean.
  const auto board = [&](const std::string& name, float s) {
    image::Image picture(3, 40, 56);
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < 40; ++y)
        for (int x = 0; x < 56; ++x) picture.at(c, y, x) = 0.52F + ((x + y) % 2 == 0 ? s : -s);
    image::write(folder_ / name, picture);
    return folder_ / name;
  };
  const std::string hardly = board("hardly.png", 0.02F);
  const std::string doubtful = board("doubtful.png", 0.09F);
  EXPECT_TRUE(chiaro({"inspect", hardly})
                  .out.starts_with(hardly + ": haze (perhaps), clean (perhaps): would be restored "
                                            "at full strength\n"))
      << chiaro({"inspect", hardly}).out;
  const std::string words = chiaro({"inspect", doubtful}).out;
  EXPECT_NE(words.find("noise (perhaps)"), std::string::npos) << words;
  EXPECT_NE(words.find("; the damage is not clear\n"), std::string::npos) << words;
  auto result = chiaro({"restore", hardly, "-o", out_});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.err.find("strength lowered"), std::string::npos) << result.err;
  result = chiaro({"restore", doubtful, "-o", out_, "--overwrite"});
  EXPECT_NE(result.err.find("strength lowered to 0.6"), std::string::npos) << result.err;
}

TEST_F(InspectCli, PrintsEventsAsJson) {
  const auto lines = events(chiaro({"inspect", striped_, bright_, "--json"}).out);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0]["event"], "inspected");
  EXPECT_EQ(lines[0]["type"], "noise");
  EXPECT_NEAR(lines[0]["severity"].get<double>(), 0.6, 1e-2);
  ASSERT_EQ(lines[0]["types"].size(), 3U);
  EXPECT_EQ(lines[0]["types"][0]["type"], "noise");
  EXPECT_EQ(lines[0]["unlike"], false);
  EXPECT_EQ(lines[0]["confidence"], 1.0);
  EXPECT_EQ(lines[1]["type"], "haze");
  EXPECT_EQ(lines[1]["domain"], "bright");
  EXPECT_EQ(lines[1]["unlike"], true);
  EXPECT_NEAR(lines[1]["novelty"].get<double>(), 2, 0.02);
  EXPECT_EQ(lines[2], Json::parse(R"({"event":"summary","done":2,"failed":0})"));
}

TEST_F(InspectCli, AFolderGivesATableAndOneBadPictureDoesNotStopIt) {
  fs::create_directories(folder_ / "album/inner");
  fs::copy(bright_, folder_ / "album/inner/bright.png");
  fs::copy(striped_, folder_ / "album/striped.png");
  const auto good = chiaro({"inspect", folder_ / "album"});
  EXPECT_EQ(good.status, 0) << good.err;
  EXPECT_EQ(std::count(good.out.begin(), good.out.end(), '\n'), 3) << good.out;
  EXPECT_NE(good.out.find("strength"), std::string::npos) << good.out;
  write_file_atomically(folder_ / "album/bad.png", std::string_view("no picture"));
  const auto result = chiaro({"inspect", folder_ / "album"});
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.err.find("bad.png"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("1 of 3"), std::string::npos) << result.err;
  EXPECT_NE(result.out.find("inner/bright.png"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("striped.png"), std::string::npos) << result.out;
  const auto lines = events(chiaro({"inspect", folder_ / "album", "--json"}).out);
  ASSERT_EQ(lines.size(), 5U);  // failed, two inspected, summary, error
  EXPECT_EQ(lines[3]["failed"], 1);
}

TEST_F(InspectCli, LooksAtEveryPageOfATiff) {
  const std::string scan = folder_ / "scan.tif";
  const std::vector<std::string> files{striped_, dark_, bright_};
  std::vector<image::Image> pages;
  std::vector<image::Frame> frames;
  for (const std::string& file : files) {
    pages.push_back(image::read(file));
    frames.push_back(frame_of(pages.back()));
  }
  image::PageWriter writer(scan, frames, {});
  for (const image::Image& page : pages) writer.add(page);
  writer.commit();
  const std::string said = chiaro({"inspect", scan}).out;
  EXPECT_TRUE(said.starts_with(scan + ", page 1 of 3: noise (sure)")) << said;
  EXPECT_NE(said.find(scan + ", page 2 of 3: looks clean"), std::string::npos) << said;
  EXPECT_NE(said.find(scan + ", page 3 of 3: haze (sure)"), std::string::npos) << said;
  for (const auto& result : {chiaro({"inspect", scan, "--json"}),
                             test::run_process({CHIARO_PROGRAM, "inspect", "-", "--json"}, scan)}) {
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.err.find("only the first"), std::string::npos) << result.err;
    const auto lines = events(result.out);
    ASSERT_EQ(lines.size(), 4U) << result.out;
    for (std::size_t i = 0; i < files.size(); ++i) {
      Json page = lines[i];
      EXPECT_EQ(page["page"], i + 1);
      EXPECT_EQ(page["pages"], 3);
      Json alone = events(chiaro({"inspect", files[i], "--json"}).out).at(0);
      EXPECT_EQ(alone["page"], 1);
      EXPECT_EQ(alone["pages"], 1);
      for (Json* one : {&page, &alone})
        for (const char* key : {"file", "page", "pages"}) one->erase(key);
      EXPECT_EQ(page, alone);
    }
    EXPECT_EQ(lines[3], Json::parse(R"({"event":"summary","done":1,"failed":0})"));
  }
  // A table of each, and the map of the first.
  const std::string table = chiaro({"inspect", scan, dark_}).out;
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 5) << table;
  const auto map = chiaro({"inspect", scan, "--map", out_});
  EXPECT_EQ(map.status, 0) << map.err;
  EXPECT_NE(map.err.find("the first of 3 pages"), std::string::npos) << map.err;
  EXPECT_NE(map.out.find("noise evenly all over the picture"), std::string::npos) << map.out;
}

TEST_F(InspectCli, SaysThatPagesAreMissing) {
  const image::Image page = image::read(striped_);
  const std::vector<image::Frame> frames(3, frame_of(page));
  const std::string scan = folder_ / "scan.tif";
  image::PageWriter writer(scan, frames, {});
  for (int i = 0; i < 3; ++i) writer.add(page);
  writer.commit();
  auto bytes = read_file(scan);
  bytes.resize(bytes.size() * 9 / 10);
  write_file_atomically(scan, bytes);
  const auto result = chiaro({"inspect", scan});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.out.find("page 2 of 2"), std::string::npos) << result.out;
  EXPECT_NE(result.err.find("page 2 leads to another"), std::string::npos) << result.err;
}

TEST_F(InspectCli, NamesThePageThatCannotBeRead) {
  const std::string scan = folder_ / "scan.tif";
  const image::Image page = image::read(striped_);
  const std::vector<image::Frame> frames(2, frame_of(page));
  image::PageWriter writer(scan, frames, {});
  writer.add(page);
  writer.add(page);
  writer.commit();
  auto bytes = read_file(scan);
  image::write(folder_ / "alone.tif", page);
  const auto alone = read_file(folder_ / "alone.tif");
  const auto pixels = std::span(alone).subspan(8, 40);
  const auto first = std::ranges::search(bytes, pixels);
  const auto second = std::ranges::search(
      std::span(bytes).last(static_cast<std::size_t>(bytes.end() - first.end())), pixels);
  ASSERT_FALSE(second.empty());
  std::fill_n(second.begin(), 60, std::byte{0xff});
  write_file_atomically(scan, bytes);
  const auto result = chiaro({"inspect", scan, "--json"});
  EXPECT_EQ(result.status, 3) << result.err;
  EXPECT_NE(result.err.find("page 2 of 2"), std::string::npos) << result.err;
  EXPECT_EQ(events(result.out).at(0)["page"], 1);
  EXPECT_EQ(chiaro({"inspect", scan, dark_}).status, 1);
}

TEST_F(InspectCli, FindsThePicturesThatRestoreFinds) {
  fs::create_directories(folder_ / "album/.trash");
  fs::copy(striped_, folder_ / "album/.trash/old.png");
  fs::copy(striped_, folder_ / "album/striped.png");
  fs::copy(bright_, folder_ / "album/bright.png");
  fs::create_symlink("circle.png", folder_ / "album/circle.png");
  const auto result = chiaro({"inspect", folder_ / "album", "--json"});
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.err.find("circle.png"), std::string::npos) << result.err;
  const auto lines = events(result.out);
  ASSERT_EQ(lines.size(), 5U);  // failed, two inspected, summary, error
  EXPECT_EQ(lines[3], Json::parse(R"({"event":"summary","done":2,"failed":1})"));
  const auto some = chiaro({"inspect", folder_ / "album/[bs]*.png"});
  EXPECT_EQ(some.status, 0) << some.err;
  EXPECT_EQ(std::count(some.out.begin(), some.out.end(), '\n'), 3) << some.out;
}

TEST_F(InspectCli, DrawsAMap) {
  const auto result = chiaro({"inspect", striped_, "--map", out_});
  ASSERT_EQ(result.status, 0) << result.err;
  const auto sheet = image::read(out_);
  EXPECT_GT(sheet.width(), 2 * 56);  // the picture and one type beside it
  EXPECT_GT(sheet.height(), 40);
  EXPECT_NE(result.out.find("  where        noise evenly all over the picture\n"),
            std::string::npos)
      << result.out;
  // Half of it: windows at the border see some of either.
  image::Image half = image::read(striped_);
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < 40; ++y)
      for (int x = 0; x < 28; ++x) half.at(c, y, x) = (x + y) % 2 == 0 ? 0.0F : 1.0F / 255;
  image::write(folder_ / "half.png", half);
  const auto lines =
      events(chiaro({"inspect", folder_ / "half.png", "--map", out_, "--overwrite", "--json"}).out);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[1]["event"], "map");
  EXPECT_EQ(lines[1]["types"][0]["type"], "noise");
  EXPECT_NEAR(lines[1]["types"][0]["share"].get<double>(), 0.6, 0.2);
  EXPECT_EQ(lines[1]["types"][0]["highest"], 1.0);
  EXPECT_LT(lines[1]["types"][0]["lowest"], 0.1);
  const auto words = chiaro({"inspect", folder_ / "half.png", "--map", out_, "--overwrite"}).out;
  EXPECT_TRUE(std::regex_search(words, std::regex("where +noise on [4-8][0-9] % of the picture\n")))
      << words;
  fs::remove(out_);
  expect_refused({"inspect", striped_, "--map", folder_ / "map.xyz"}, 2, "picture format");
}

TEST_F(InspectCli, BadMapsAreRefused) {
  expect_refused({"inspect", striped_, bright_, "--map", out_}, 2, "--map draws one picture");
  expect_refused({"inspect", folder_.path(), "--map", out_}, 2, "--map draws one picture");
  expect_refused({"inspect", striped_, "--map", striped_}, 4, "never overwritten");
  expect_refused({"inspect", striped_, "--map", bright_}, 4, "--overwrite");
}

// A bundle of kind encode: the way through the tree of known damage.
TEST_F(InspectCli, EncodersTellTheNearestKnownDamage) {
  const auto encoder = test::encoder_bundle();
  bundle::write_bundle(folder_ / "models/encoder.chiaro", encoder.manifest, encoder.members);
  const auto one = chiaro({"inspect", striped_, "--bundle", "encoder"});
  ASSERT_EQ(one.status, 0) << one.err;
  EXPECT_NE(one.out.find("noise 0.75, haze 0.25 (severity 0.25): closely like what was seen in "
                         "training\n"),
            std::string::npos)
      << one.out;
  EXPECT_NE(one.out.find("  level 1, finest    prototype 1 "), std::string::npos) << one.out;
  EXPECT_NE(one.out.find("  level 2, coarsest  prototype 0 "), std::string::npos) << one.out;
  const auto lines =
      events(chiaro({"inspect", bright_, dark_, "--bundle", "encoder", "--json"}).out);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0]["type"], "haze");
  EXPECT_EQ(lines[0]["known_level"], 1);
  EXPECT_EQ(lines[0]["unknown"], false);
  ASSERT_EQ(lines[0]["path"].size(), 2U);
  EXPECT_NEAR(lines[0]["path"][1]["kinds"]["haze"].get<double>(), 0.625, 1e-6);
  EXPECT_EQ(lines[1]["type"], "clean");
  expect_refused({"inspect", striped_, "--bundle", "encoder", "--map", out_}, 2, "is an encoder");
  expect_refused({"restore", striped_, "-o", out_, "--bundle", "encoder"}, 5,
                 "does not restore pictures");
}

TEST_F(InspectCli, EncodersSayHowCloseTheNearestKnownDamageIs) {
  const auto encoder = test::encoder_bundle();
  bundle::write_bundle(folder_ / "models/encoder.chiaro", encoder.manifest, encoder.members);
  const auto stripes = [&](const std::string& name, float low, float high) {
    image::Image picture(3, 40, 56, low);
    for (int c = 0; c < 3; ++c) {
      for (int y = 0; y < 40; ++y)
        for (int x = 0; x < 56; x += 2) picture.at(c, y, x) = high;
    }
    image::write(folder_ / name, picture);
  };
  stripes("between.png", 0.576F, 0.876F);  // at 45 degrees: far from each leaf, near their parent
  stripes("aside.png", 0.245F, 0.545F);    // at 115: far from both
  const auto broad = chiaro({"inspect", folder_ / "between.png", "--bundle", "encoder"}).out;
  EXPECT_NE(broad.find("haze 0.62, noise 0.38 (severity 0.38): only broadly like what was seen in "
                       "training\n"),
            std::string::npos)
      << broad;
  const auto unlike = chiaro({"inspect", folder_ / "aside.png", "--bundle", "encoder"}).out;
  EXPECT_NE(unlike.find("UNLIKE ANYTHING SEEN IN TRAINING, nearest to haze"), std::string::npos)
      << unlike;
  const auto told = events(chiaro({"inspect", folder_ / "between.png", folder_ / "aside.png",
                                   "--bundle", "encoder", "--json"})
                               .out);
  EXPECT_EQ(told[0]["known_level"], 2);
  EXPECT_EQ(told[1]["known_level"], nullptr);
}

TEST_F(InspectCli, NeedsPicturesAndAController) {
  expect_refused({"inspect"}, 2, "photos");
  expect_refused({"inspect", striped_, "--map", folder_ / "map.gif"}, 2, "picture format");
  expect_refused({"inspect", folder_ / "none.png"}, 3, "none.png");
  expect_refused({"inspect", folder_ / "models"}, 3, "no pictures");
  expect_refused({"inspect", striped_, "--bundle", "plain"}, 5, "has no controller");
  expect_refused({"inspect", striped_, "--precision", "f32"}, 2, "--precision");
}

TEST_F(InspectCli, RestoreGoesByTheController) {
  const auto lines = events(chiaro({"restore", striped_, "-o", out_, "--json"}).out);
  const Json& event = lines.at(1);
  EXPECT_EQ(event["event"], "restored");
  EXPECT_EQ(event["blind"], true);
  EXPECT_EQ(event["strength"], 1.0);
  EXPECT_EQ(event["inspection"]["type"], "noise");
  EXPECT_EQ(event["guard"]["mode"], "soft");
  // 0.1 for noise, 0.05 · 0.6 for its severity, 0.3 · 0.5: 0.2 becomes 0.48.
  EXPECT_NEAR(image::read(out_).at(0, 3, 4), 0.2 + 0.1 + 0.03 + 0.15, 0.005);
}

TEST_F(InspectCli, RestoreSaysWhatItHoldsBack) {
  auto result = chiaro({"restore", dark_, "-o", out_});
  EXPECT_EQ(result.status, 0);
  EXPECT_NE(result.err.find("looks clean"), std::string::npos) << result.err;
  EXPECT_EQ(image::read(out_).at(0, 3, 4), 0);
  result = chiaro({"restore", bright_, "-o", out_, "--overwrite", "--json"});
  EXPECT_NE(result.err.find("unlike anything"), std::string::npos) << result.err;
  EXPECT_EQ(events(result.out).at(1)["guard"]["unlike"], true);
  result = chiaro({"restore", bright_, "-o", out_, "--overwrite", "--json", "--guard", "off"});
  EXPECT_EQ(result.err.find("unlike anything"), std::string::npos) << result.err;
  EXPECT_EQ(events(result.out).at(1)["guard"], Json::parse(R"({"mode":"off"})"));
}

TEST_F(InspectCli, WhatTheGuardDidIsSaidOfPartsAndEnsemblesToo) {
  using Words = std::vector<std::string>;
  for (const Words& more : {Words{"--region", "0,0,16,16"}, Words{"--ensemble"},
                            Words{"--region", "8,0,16,16", "--ensemble"}}) {
    Words words{"restore", dark_, "-o", out_, "--overwrite", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    const auto result = chiaro(words);
    EXPECT_NE(result.err.find("looks clean"), std::string::npos) << result.err;
    const Json event = events(result.out).at(1);
    EXPECT_EQ(event["strength"], 0.0) << more[0];
    EXPECT_EQ(event["guard"]["mode"], "soft");
    EXPECT_EQ(event["inspection"]["type"], "clean");
    words[1] = striped_;
    words.insert(words.end(), {"--as", "haze(0.5)"});
    EXPECT_EQ(events(chiaro(words).out).at(1)["blind"], false);
  }
}

TEST_F(InspectCli, WhatTheGuardDidIsSaidOfFolders) {
  const std::string in = folder_ / "in";
  const std::string out = folder_ / "many";
  fs::create_directories(in);
  for (const std::string& file : {dark_, bright_, striped_})
    fs::copy(file, in + "/" + fs::path(file).filename().string());
  const auto result = chiaro({"restore", in, "-o", out, "--json"});
  EXPECT_NE(result.err.find("left 1 as they are and restored 1 with less strength"),
            std::string::npos)
      << result.err;
  const auto lines = events(result.out);
  for (const Json& event : lines) {
    if (event["event"] != "restored") continue;
    const std::string file = fs::path(event["file"].get<std::string>()).stem();
    EXPECT_EQ(event["guard"]["clean"], file == "dark");
    EXPECT_EQ(event["guard"]["unlike"], file != "striped");
    EXPECT_EQ(event["strength"] == 1.0, file == "striped");
  }
  EXPECT_EQ(lines.back()["left_alone"], 1);
  EXPECT_EQ(lines.back()["held_back"], 1);
  std::size_t found = 0;
  for (const auto& [type, count] : lines.back()["found"].items()) {
    EXPECT_NE(result.err.find(fmt::format("{} {}", type, count.get<int>())), std::string::npos)
        << result.err;
    found += count.get<std::size_t>();
  }
  EXPECT_EQ(found, 3U);
  EXPECT_EQ(lines.back()["found"]["clean"], 1) << lines.back();
  const auto told = chiaro({"restore", in, "-o", out, "--overwrite", "--verbose"});
  EXPECT_NE(told.err.find("dark.png: the picture looks clean"), std::string::npos) << told.err;
}

TEST_F(InspectCli, TheStrictGuardNamesThePicture) {
  expect_refused({"restore", bright_, "-o", out_, "--guard", "strict"}, 7, "bright.png");
  expect_refused({"restore", bright_, "-o", out_, "--guard", "sometimes"}, 2, "'sometimes'");
}

TEST_F(InspectCli, StatedDamagesAreMarked) {
  const auto result = chiaro({"restore", striped_, "-o", out_, "--json", "--as", "haze(0.5)"});
  EXPECT_NE(result.err.find("not blind: restored as haze(0.5)"), std::string::npos) << result.err;
  const auto lines = events(result.out);
  EXPECT_EQ(lines.at(1)["blind"], false);
  EXPECT_EQ(lines.at(1)["as"], "haze(0.5)");
  EXPECT_NEAR(image::read(out_).at(0, 3, 4), 0.4, 0.005);
  fs::remove(out_);
  expect_refused({"restore", striped_, "-o", out_, "--as", "hase"}, 2, "did you mean 'haze'");
  expect_refused({"restore", striped_, "-o", out_, "--as", "haze(2)"}, 2, "expected 0 to 1");
  expect_refused({"restore", striped_, "-o", out_, "--as", "haze", "--bundle", "plain"}, 2,
                 "has no controller");
}

TEST_F(InspectCli, BundlesWithHalfACondition) {
  const auto told = test::graph_bundle("told");
  auto manifest = told.manifest;
  manifest.condition->types = {"clean", "noise", "haze", "rain"};
  bundle::write_bundle(folder_ / "wrong.chiaro", manifest, told.members);
  expect_refused({"restore", striped_, "-o", out_, "--bundle", folder_ / "wrong.chiaro"}, 5,
                 "does not fit the manifest");
  auto members = told.members;
  members["restore.onnx"] = test::graph_bytes("stack");
  bundle::write_bundle(folder_ / "half.chiaro", told.manifest, members);
  expect_refused({"restore", striped_, "-o", out_, "--bundle", folder_ / "half.chiaro"}, 5,
                 "wrong inputs");
}

TEST_F(InspectCli, EvalCountsTheTypesFound) {
  fs::create_directories(folder_ / "clean");
  fs::copy(striped_, folder_ / "clean/a.png");
  fs::copy(striped_, folder_ / "clean/b.png");
  const auto result = chiaro({"eval", "--clean", folder_ / "clean", "--degrade",
                              "noise(sigma_u8=5)", "--json", "--quiet"});
  ASSERT_EQ(result.status, 0) << result.err;
  const auto lines = events(result.out);
  EXPECT_EQ(lines.at(0)["types"], Json::parse(R"(["noise"])"));
  EXPECT_EQ(lines.at(0)["type_accuracy"], 1.0);
  EXPECT_EQ(lines.at(1)["type_found"], "noise");
  const auto wrong = chiaro({"eval", "--clean", folder_ / "clean", "--degrade", "noise(sigma_u8=5)",
                             "--type", "haze", "--quiet"});
  EXPECT_NE(wrong.out.find("0.0 %"), std::string::npos) << wrong.out;
  EXPECT_EQ(
      chiaro({"eval", "--clean", folder_ / "clean", "--degrade", "noise", "--type", "fog"}).status,
      2);
  EXPECT_EQ(chiaro({"bench", "--sizes", "32", "--repetitions", "1", "--json"}).status, 0);
}

}  // namespace
}  // namespace chiaro::inspect_cli_test
