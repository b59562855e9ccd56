// chiaro degrade, score and compare, as programs: pictures are damaged, scored against what they
// were made from, and the scores compared.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/image/codec.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro {
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

TEST_F(DegradeCli, TwoPicturesDoNotBecomeOne) {
  image::write(clean_ / "a.jpg", image::Image(3, 24, 32, 0.2F), {.format = "jpeg"});
  expect_refused({"degrade", clean_, "-o", folder_ / "damaged", "--spec", "noise", "--overwrite"},
                 2, "would both become 'a.png'");
  EXPECT_FALSE(fs::exists(folder_ / "damaged/a.png"));
}

TEST_F(DegradeCli, ASheetShowsAllDegradations) {
  ASSERT_EQ(chiaro({"degrade", one_, "--sheet", folder_ / "sheet.png"}).status, 0);
  const auto sheet = image::read(folder_ / "sheet.png");
  EXPECT_GT(sheet.width() * sheet.height(), 20 * 24 * 32);
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
  EXPECT_NE(missing.status, 0);
  EXPECT_NE(missing.err.find("b"), std::string::npos) << missing.err;
}

}  // namespace
}  // namespace chiaro
