// chiaro degrade, score and compare, as programs: pictures are damaged, scored against what they
// were made from, and the scores compared.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/degrade/degrade.h"
#include "chiaro/image/codec.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::degrade_cli_test {
namespace {

namespace fs = std::filesystem;

/// The mean of a picture's values, in levels of 255.
double mean_level(const image::Image& picture) {
  double sum = 0;
  for (const float v : picture.pixels()) sum += v;
  return 255 * sum / static_cast<double>(picture.pixels().size());
}

class DegradeCli : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(clean_);
    for (const std::string name : {"a", "b", "c"})
      image::write(clean_ / (name + ".png"), image::Image(3, 24, 32, name == "a" ? 0.5F : 0.3F),
                   {.format = "png"});
  }

  static test::ProcessResult chiaro(const std::vector<std::string>& words) {
    std::vector<std::string> all = {CHIARO_PROGRAM};
    all.insert(all.end(), words.begin(), words.end());
    return test::run_process(all);
  }

  void expect_refused(const std::vector<std::string>& words, int status, const std::string& says) {
    const auto result = chiaro(words);
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_NE(result.err.find(says), std::string::npos) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }

  const test::TemporaryFolder folder_;
  const fs::path clean_ = folder_ / "clean";
  const fs::path one_ = clean_ / "a.png";
  const fs::path out_ = folder_ / "out.png";
};

TEST_F(DegradeCli, GoesOnAndWritesTheFormatAskedFor) {
  const fs::path out = folder_ / "out";
  const std::vector<std::string> words{
      "degrade", clean_, "-o", out, "--spec", "noise", "--format", "jpg", "--skip-existing"};
  const auto first = chiaro(words);
  ASSERT_EQ(first.status, 0) << first.err;
  EXPECT_NE(first.err.find("3 damaged, 0 failed, 0 existed"), std::string::npos) << first.err;
  EXPECT_EQ(image::probe(out / "a.jpg").format, "jpeg");
  fs::remove(out / "b.jpg");
  const auto before = read_file(out / "a.jpg");
  const auto second = chiaro(words);
  ASSERT_EQ(second.status, 0) << second.err;
  EXPECT_NE(second.err.find("1 damaged, 0 failed, 2 existed"), std::string::npos) << second.err;
  EXPECT_TRUE(fs::exists(out / "b.jpg"));
  EXPECT_EQ(read_file(out / "a.jpg"), before);
  const auto alone = chiaro({"degrade", one_, "-o", out / "a.jpg", "--spec", "noise(sigma_u8=50)",
                             "--skip-existing", "--json"});
  EXPECT_NE(alone.out.find("\"existing\":1"), std::string::npos) << alone.out << alone.err;
  EXPECT_EQ(read_file(out / "a.jpg"), before);
  expect_refused({"degrade", one_, "-o", out / "x.png", "--spec", "noise", "--format", "gif"}, 2,
                 "unknown picture format");
  expect_refused({"degrade", one_, "-o", out / "x.png"}, 2, "got none");
}

TEST_F(DegradeCli, IsAFilterToo) {
  ASSERT_EQ(chiaro({"degrade", one_, "-o", out_, "--spec", "jpeg(quality=30)"}).status, 0);
  const auto piped = test::run_process(
      {CHIARO_PROGRAM, "degrade", "-", "-o", "-", "--spec", "jpeg(quality=30)", "--quiet"}, one_);
  ASSERT_EQ(piped.status, 0) << piped.err;
  const auto picture = image::decode(std::as_bytes(std::span(piped.out)), "piped");
  EXPECT_EQ(picture.metadata.source_format, "png");
  EXPECT_TRUE(std::ranges::equal(picture.pixels(), image::read(out_).pixels()));
  EXPECT_FALSE(fs::exists("-"));
  expect_refused({"degrade", "-", one_, "-o", folder_ / "out/", "--spec", "noise"}, 2,
                 "stands for one picture");
  expect_refused({"degrade", one_, "-o", "-", "--spec", "noise", "--json"}, 2, "both go to stdout");
}

TEST_F(DegradeCli, ASeedGivesTheSameFileAgain) {
  const auto degraded = [&](const std::string& seed) {
    const fs::path file = folder_ / ("seed" + seed + ".png");
    fs::remove(file);
    const auto result =
        chiaro({"degrade", one_, "-o", file, "--spec", "noise(sigma_u8=10)", "--seed", seed});
    EXPECT_EQ(result.status, 0) << result.err;
    return read_file(file);
  };
  const auto first = degraded("7");
  EXPECT_EQ(first, degraded("7"));
  EXPECT_NE(first, degraded("8"));
}

TEST_F(DegradeCli, TheFileSaysHowItWasMade) {
  ASSERT_EQ(chiaro({"degrade", one_, "-o", out_, "--draw", "noise(sigma_u8=5..55)", "--seed", "3"})
                .status,
            0);
  const auto xmp = image::read(out_).metadata.xmp;
  const std::string said(xmp.begin(), xmp.end());
  EXPECT_NE(said.find("chiaro:degradation=\"noise("), std::string::npos) << said;
  EXPECT_NE(said.find("chiaro:seed=\"3\""), std::string::npos) << said;
}

TEST_F(DegradeCli, AFolderGoesPictureByPicture) {
  std::ofstream(clean_ / "broken.jpg") << "\xFF\xD8\xFFno picture";
  const fs::path out = folder_ / "damaged";
  const auto result = chiaro({"degrade", clean_, "-o", out, "--spec", "low_light(gain=0.2)"});
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.err.find("broken.jpg"), std::string::npos) << result.err;
  for (const std::string name : {"a.png", "b.png", "c.png"})
    EXPECT_LT(mean_level(image::read(out / name)), mean_level(image::read(clean_ / name)) / 2);
  EXPECT_FALSE(fs::exists(out / "broken.png"));
}

TEST_F(DegradeCli, FoldersAreMirroredWithAllBelow) {
  const fs::path below = clean_ / "below";
  fs::create_directories(below);
  image::write(below / "a.png", image::Image(3, 24, 32, 0.5F), {.format = "png"});
  const fs::path out = folder_ / "damaged";
  const fs::path alone = folder_ / "alone.png";
  const std::vector<std::string> how = {"--spec", "noise(sigma_u8=10)", "--seed", "3"};
  const auto degraded = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "degrade");
    words.insert(words.end(), how.begin(), how.end());
    const auto result = chiaro(words);
    EXPECT_EQ(result.status, 0) << result.err;
  };
  degraded({clean_, "-o", out});
  degraded({one_, "-o", alone});
  EXPECT_EQ(read_file(out / "a.png"), read_file(alone)) << "the same name, another damage";
  ASSERT_TRUE(fs::exists(out / "below/a.png"));
  EXPECT_NE(read_file(out / "below/a.png"), read_file(alone)) << "two pictures with one noise";
  degraded({clean_ / "b.png", clean_ / "c.png", "-o", folder_ / "two"});
  EXPECT_TRUE(fs::exists(folder_ / "two/b.png") && fs::exists(folder_ / "two/c.png"));
  expect_refused({"degrade", clean_, "-o", out, "--spec", "noise"}, 4, "--skip-existing does the");
  expect_refused({"degrade", one_, clean_ / "b.png", "-o", folder_ / "x.png", "--spec", "noise"}, 2,
                 "is the name of one picture");
  expect_refused({"degrade", one_, clean_ / "b.png", folder_ / "x", "--spec", "noise"}, 2,
                 "where to?");
  expect_refused({"degrade", std::string(300, 'a'), "-o", out_, "--spec", "noise"}, 3, "aaa");
  degraded({clean_, "-o", out, "--name", "{stem}_noisy.{ext}"});
  EXPECT_TRUE(fs::exists(out / "below/a_noisy.png"));
}

TEST_F(DegradeCli, TwoPicturesDoNotBecomeOne) {
  image::write(clean_ / "a.jpg", image::Image(3, 24, 32, 0.2F), {.format = "jpeg"});
  expect_refused({"degrade", clean_, "-o", folder_ / "damaged", "--spec", "noise", "--overwrite"},
                 2, "damaged/a.png'; a template such as --name");
  EXPECT_FALSE(fs::exists(folder_ / "damaged/a.png"));
}

/// The part of a sheet at these pixels, and how much its values vary.
struct Patch {
  image::Image part;
  float darkest = 0;
  float brightest = 0;

  Patch(const image::Image& sheet, int y, int x, int height, int width)
      : part(image::crop(sheet, y, x, height, width)) {
    const auto [low, high] = std::ranges::minmax_element(part.pixels());
    darkest = *low;
    brightest = *high;
  }
  bool equals(const Patch& other) const {
    return std::ranges::equal(part.pixels(), other.part.pixels());
  }
};

TEST_F(DegradeCli, ASheetShowsAllDegradations) {
  image::Image waves(3, 24, 32);
  for (int y = 0; y < 24; ++y) {
    for (int x = 0; x < 32; ++x) {
      for (int c = 0; c < 3; ++c)
        waves.at(c, y, x) = static_cast<float>(30 + (17 * x + 11 * y + 40 * c) % 160) / 255.0F;
    }
  }
  image::write(one_, waves);
  ASSERT_EQ(chiaro({"degrade", one_, "--sheet", folder_ / "sheet.png"}).status, 0);
  const auto sheet = image::read(folder_ / "sheet.png");
  const auto& names = degrade::names();
  const int rows = (static_cast<int>(names.size()) + 1) / 2;
  constexpr int kGap = 8, kLabel = 20;
  ASSERT_EQ(sheet.width(), 6 * (32 + kGap) + 3 * kGap);
  ASSERT_EQ(sheet.height(), rows * (24 + kLabel + kGap) + kGap);
  for (int i = 0; i < static_cast<int>(names.size()); ++i) {
    const std::string& name = names[static_cast<std::size_t>(i)];
    const int y = kGap + (i % rows) * (24 + kLabel + kGap);
    const int left = kGap + i / rows * (3 * (32 + kGap) + 2 * kGap);
    std::vector<Patch> cells;
    for (int k = 0; k < 3; ++k) {
      cells.emplace_back(sheet, y, left + k * (32 + kGap), 24, 32);
      EXPECT_LT(cells.back().darkest + 0.02F, cells.back().brightest) << name << k;
      EXPECT_LT(Patch(sheet, y + 24, left + k * (32 + kGap), kLabel, 32).darkest, 0.7F)
          << name << k << " has no label";
    }
    EXPECT_EQ(cells[0].equals(cells[2]), name == "clean") << name << " is not stronger";
  }
}

TEST_F(DegradeCli, HazeFollowsTheDepthMap) {
  image::Image depth(1, 24, 32);
  const float levels[] = {0, 128.0F / 255, 1, 1};  // a quarter each, from near to far
  for (int y = 0; y < 24; ++y) {
    for (int x = 0; x < 32; ++x) depth.at(0, y, x) = levels[x / 8];
  }
  const std::string map = folder_ / "depth.png";
  image::write(map, depth);
  const std::string spec = "haze(beta=1.5,airlight=0.9)";
  ASSERT_EQ(chiaro({"degrade", one_, "-o", out_, "--spec", spec, "--depth-map", map}).status, 0);
  const auto hazy = image::read(out_);
  const auto clean = image::read(one_);
  for (int x = 0; x < 32; ++x) {
    const float t = std::exp(-1.5F * levels[x / 8]);
    EXPECT_NEAR(hazy.at(1, 10, x), clean.at(1, 10, x) * t + 0.9F * (1 - t), 0.51F / 255) << x;
  }
  const fs::path other = folder_ / "other.png";
  expect_refused({"degrade", one_, "-o", other, "--spec", spec, "--depth-map", folder_ / "no.png"},
                 3, "no.png");
  image::write(map, image::Image(1, 24, 31, 0.5F));
  expect_refused({"degrade", one_, "-o", other, "--spec", spec, "--depth-map", map}, 2,
                 "got 1x24x31; expected 1x24x32");
  EXPECT_FALSE(fs::exists(other));
}

TEST_F(DegradeCli, BadArgumentsAreRefused) {
  expect_refused({"degrade", one_, "-o", out_, "--spec", "nois"}, 2, "noise");
  expect_refused({"degrade", one_, "-o", out_, "--spec", "noise(sigma_u8=-1)"}, 2, "sigma_u8");
  expect_refused({"degrade", one_, "-o", out_, "--preset", "no_such"}, 2, "no_such");
  expect_refused({"degrade", folder_ / "none.png", "-o", out_, "--spec", "noise"}, 3, "none.png");
  expect_refused({"degrade", one_, "-o", one_, "--spec", "noise"}, 4, "a.png");
  EXPECT_FALSE(fs::exists(out_));
}

TEST_F(DegradeCli, ScoresAreOfThePairsAndAreCompared) {
  // Grey values that differ by 2/255 everywhere: PSNR 20·log10(255/2) = 42.110 dB.
  const fs::path near = folder_ / "near";
  fs::create_directories(near);
  for (const std::string name : {"a", "b", "c"}) {
    auto picture = image::read(clean_ / (name + ".png"));
    for (float& v : picture.pixels()) v += 2.0F / 255.0F;
    image::write(near / (name + ".png"), picture, {.format = "png"});
  }
  const auto scored = [&](const fs::path& input, const std::string& report) {
    const auto result =
        chiaro({"score", "--input", input, "--target", clean_, "--json", "--quiet"});
    EXPECT_EQ(result.status, 0) << result.err;
    std::ofstream(folder_ / report) << result.out;
    return result.out;
  };
  const std::string lines = scored(near, "near.json");
  EXPECT_NE(lines.find("42.11"), std::string::npos) << lines;
  const auto same = chiaro({"compare", folder_ / "near.json", folder_ / "near.json"});
  EXPECT_EQ(same.status, 0) << same.err;

  // The same numbers under another protocol are not compared.
  std::string other = lines;
  const auto at = other.find("rgb");
  ASSERT_NE(at, std::string::npos) << lines;
  for (auto from = at; from != std::string::npos; from = other.find("rgb", from + 1))
    other.replace(from, 3, "y  ");
  std::ofstream(folder_ / "other.json") << other;
  const auto unlike = chiaro({"compare", folder_ / "near.json", folder_ / "other.json"});
  EXPECT_EQ(unlike.status, 7) << unlike.out << unlike.err;

  fs::remove(near / "b.png");
  const auto missing = chiaro({"score", "--input", near, "--target", clean_});
  EXPECT_EQ(missing.status, 3);
  const std::string said =
      clean_.string() + ": no input for target '" + (clean_ / "b.png").string() + "'";
  EXPECT_NE(missing.err.find(said), std::string::npos) << missing.err;
}

}  // namespace
}  // namespace chiaro::degrade_cli_test
