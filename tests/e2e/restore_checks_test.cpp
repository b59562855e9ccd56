// `chiaro restore` with --region, --ensemble, --verify-tiles and --audit.
#include <gtest/gtest.h>

#include <lcms2.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "chiaro/base/files.h"
#include "chiaro/base/rng.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/image/codec.h"
#include "tests/image/handmade_files.h"
#include "tests/support/bundle_folder.h"
#include "tests/support/occurrences.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::restore_checks_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Words = std::vector<std::string>;

class RestoreChecks : public testing::Test {
 protected:
  void SetUp() override {
    test::use_default_bundle(folder_ / "models", "unet");
    image::Image picture(3, 97, 130);
    Rng rng(3);
    for (float& value : picture.pixels()) value = static_cast<float>(rng.uniform());
    image::write(in_, picture);
  }
  void TearDown() override { ::unsetenv("CHIARO_BUNDLE_PATH"); }

  static test::ProcessResult restore(Words words) {
    words.insert(words.begin(), {CHIARO_PROGRAM, "restore"});
    return test::run_process(words);
  }
  static json event(const std::string& text, const std::string& name) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      const json one = json::parse(line);
      if (one["event"] == name) return one;
    }
    ADD_FAILURE() << "no event " << name << " in " << text;
    return {};
  }
  /// A JPEG with a block that nobody knows, which a restored JPEG does not keep.
  std::string with_block(const std::string& name) const {
    image::write(folder_ / "plain.jpg", image::read(in_));
    auto bytes = read_file(folder_ / "plain.jpg");
    const std::string block("\xff\xe7\0\x09MAKER\0x", 11);
    const auto view = std::as_bytes(std::span(block));
    bytes.insert(bytes.begin() + 2, view.begin(), view.end());
    fs::create_directories((folder_ / name).parent_path());
    write_file_atomically(folder_ / name, bytes);
    return folder_ / name;
  }

  test::TemporaryFolder folder_;
  std::string in_ = folder_ / "in.png";
  std::string out_ = folder_ / "out.png";
};

TEST_F(RestoreChecks, ARegionIsThatPartOfTheWhole) {
  ASSERT_EQ(restore({in_, "-o", out_}).status, 0);
  const auto whole = image::read(out_);
  for (const Words& region : {Words{"0,0,130,97"}, Words{"120,90,10,7"}, Words{"31,17,40,33"}}) {
    const auto result =
        restore({in_, "-o", folder_ / "part.png", "--region", region[0], "--overwrite"});
    ASSERT_EQ(result.status, 0) << result.err;
    const auto part = image::read(folder_ / "part.png");
    int x = 0, y = 0, width = 0, height = 0;
    ASSERT_EQ(std::sscanf(region[0].c_str(), "%d,%d,%d,%d", &x, &y, &width, &height), 4);
    const auto expected = image::crop(whole, y, x, height, width);
    EXPECT_TRUE(std::ranges::equal(part.pixels(), expected.pixels())) << region[0];
  }
  EXPECT_EQ(restore({in_, "-o", folder_ / "x.png", "--region", "120,90,11,7"}).status, 2);
  EXPECT_EQ(restore({in_, "-o", folder_ / "x.png", "--region", "a"}).status, 2);
  EXPECT_EQ(restore({folder_ / "models", "-o", folder_ / "x/", "--region", "1,1,1,1"}).status, 2);
  EXPECT_FALSE(fs::exists(folder_ / "x.png"));
}

TEST_F(RestoreChecks, TheEnsembleIsAnotherPicture) {
  ASSERT_EQ(restore({in_, "-o", out_}).status, 0);
  ASSERT_EQ(restore({in_, "-o", folder_ / "mean.png", "--ensemble"}).status, 0);
  EXPECT_NE(read_file(folder_ / "mean.png"), read_file(out_));
  EXPECT_EQ(image::read(folder_ / "mean.png").width(), 130);
}

TEST_F(RestoreChecks, TheEnsembleSaysOnceThatItTakesLonger) {
  const std::string longer = "takes eight times as long";
  EXPECT_EQ(test::occurrences(restore({in_, "-o", folder_ / "plain.png"}).err, longer), 0U);
  EXPECT_EQ(test::occurrences(restore({in_, "-o", out_, "--ensemble"}).err, longer), 1U);
  EXPECT_EQ(restore({in_, "-o", out_, "--ensemble", "--quiet", "--overwrite"}).err, "");
  fs::create_directories(folder_ / "two");
  for (const std::string name : {"two/a.png", "two/b.png"}) fs::copy_file(in_, folder_ / name);
  const auto many = restore({folder_ / "two", "-o", folder_ / "many", "--ensemble"});
  EXPECT_EQ(many.status, 0) << many.err;
  EXPECT_EQ(test::occurrences(many.err, longer), 1U) << many.err;
}

TEST_F(RestoreChecks, WhatIsCutOffIsSaidOnce) {
  image::Image bright(3, 97, 130);
  Rng rng(3);
  for (float& value : bright.pixels()) value = static_cast<float>(rng.uniform(0, 1.5));
  bright.at(0, 5, 6) = std::nanf("");
  const std::string input = folder_ / "bright.pfm";
  image::write(input, bright);
  for (const Words& more :
       {Words{}, Words{"--ensemble"}, Words{"--region", "20,30,40,33"},
        Words{"--region", "20,30,40,33", "--ensemble"}, Words{"--verify-tiles", "--tile", "64"}}) {
    for (const std::string name : {"bright_out.pfm", "bright_out.png"}) {
      Words words{input, "-o", folder_ / name, "--overwrite"};
      words.insert(words.end(), more.begin(), more.end());
      const auto result = restore(words);
      ASSERT_EQ(result.status, 0) << result.err;
      EXPECT_EQ(test::occurrences(result.err, "which png does not hold"),
                name.ends_with("png") ? 1U : 0U)
          << result.err;
      EXPECT_EQ(test::occurrences(result.err, "were not finite"), 1U) << result.err;
    }
  }
  const auto untouched =
      restore({input, "-o", folder_ / "same.pfm", "--strength", "0", "--ensemble"});
  ASSERT_EQ(untouched.status, 0) << untouched.err;
  EXPECT_EQ(test::occurrences(untouched.err, "cut off"), 0U) << untouched.err;
  EXPECT_EQ(test::occurrences(untouched.err, "were not finite"), 1U) << untouched.err;
  EXPECT_GT(std::ranges::max(image::read(folder_ / "same.pfm").pixels()), 1.4F);
}

TEST_F(RestoreChecks, TilesAreVerified) {
  const auto sound = restore({in_, "-o", out_, "--verify-tiles", "--tile", "64", "--json"});
  ASSERT_EQ(sound.status, 0) << sound.err;
  EXPECT_GT(event(sound.out, "tiles")["windows"], 4);
  EXPECT_LE(event(sound.out, "tiles")["largest_difference"], 1e-4);
  EXPECT_NE(restore({in_, "-o", folder_ / "one.png", "--verify-tiles"}).out.find("no borders"),
            std::string::npos);

  const std::string seams = folder_ / "seams.png";
  const Words words{in_, "-o", seams, "--verify-tiles", "--tile", "64", "--overlap", "0"};
  const auto refused = restore(words);
  EXPECT_EQ(refused.status, 7);
  EXPECT_NE(refused.err.find("leave a trace"), std::string::npos) << refused.err;
  EXPECT_FALSE(fs::exists(seams));
  Words generous = words;
  generous.insert(generous.end(), {"--tile-bound", "1"});
  EXPECT_EQ(restore(generous).status, 0);
  EXPECT_EQ(restore({in_, "-o", folder_ / "x.png", "--tile-bound", "1"}).status, 2);
  EXPECT_EQ(restore({in_, "-o", folder_ / "x.png", "--verify-tiles", "--ensemble"}).status, 2);
}

// With the bundle that ships, whose coarsest level has a single pixel there; in bfloat16 where the
// processor has it.
TEST_F(RestoreChecks, TheSmallestPicturesAreRestored) {
  ::unsetenv("CHIARO_BUNDLE_PATH");
  for (const auto& [height, width] : {std::pair{1, 1}, {16, 16}, {5, 16}, {1, 40}}) {
    const std::string small = folder_ / "small.png";
    image::write(small, image::crop(image::read(in_), 0, 0, height, width),
                 {.existing = Existing::Replaced});
    const Words words{small, "-o", out_, "--overwrite", "--as", "noise(0.5)"};
    Words exact = words;
    exact.insert(exact.end(), {"--precision", "f32"});
    const auto usual = restore(words);
    ASSERT_EQ(usual.status, 0) << height << " x " << width << ": " << usual.err;
    const image::Image got = image::read(out_);
    ASSERT_EQ(restore(exact).status, 0);
    const image::Image expected = image::read(out_);
    for (std::size_t i = 0; i < expected.pixels().size(); ++i)
      ASSERT_NEAR(got.pixels()[i], expected.pixels()[i], 0.02) << height << " x " << width;
  }
}

TEST_F(RestoreChecks, AnAuditFindsALossAndWritesNothing) {
  const auto sound = restore({in_, "-o", out_, "--audit"});
  EXPECT_EQ(sound.status, 0) << sound.err;
  EXPECT_NE(sound.out.find("kept     bits per sample: 8"), std::string::npos) << sound.out;

  const std::string photo = with_block("photo.jpg");
  const std::string result = folder_ / "result.jpg";
  const auto lossy = restore({photo, "-o", result, "--audit", "--json"});
  EXPECT_EQ(lossy.status, 7);
  EXPECT_EQ(event(lossy.out, "audit")["sound"], false);
  EXPECT_NE(lossy.err.find("JPEG APP7 MAKER"), std::string::npos) << lossy.err;
  EXPECT_FALSE(fs::exists(result));
  const auto asked = restore({photo, "-o", result, "--audit", "--strip"});
  EXPECT_EQ(asked.status, 0);
  EXPECT_NE(asked.out.find("  lost     JPEG APP7 MAKER: "), std::string::npos) << asked.out;
  EXPECT_NE(asked.out.find(" (asked for by --strip)\n"), std::string::npos) << asked.out;
  EXPECT_TRUE(fs::exists(result));
  EXPECT_EQ(restore({"-", "-o", folder_ / "x.png", "--audit"}).status, 2);
}

TEST_F(RestoreChecks, AnAuditNamesTheFlagsThatHelp) {
  image::Image picture = image::read(in_);
  picture.alpha.assign(picture.plane_size(), 0.5F);
  const std::string logo = folder_ / "logo.png";
  image::write(logo, picture);
  const auto advice = [&](const std::string& name, Words more) {
    more.insert(more.begin(), {logo, "-o", folder_ / name, "--audit", "--overwrite"});
    const auto result = restore(more);
    const auto at = result.err.find("a format that keeps it");
    return std::to_string(result.status) +
           (at == std::string::npos ? "" : result.err.substr(at, result.err.find(';', at) - at));
  };
  EXPECT_EQ(advice("logo.jpg", {}), "7a format that keeps it, or --alpha drop");
  EXPECT_EQ(advice("logo.jpg", {"--strip"}), "7a format that keeps it, or --alpha drop");
  EXPECT_EQ(advice("logo.jpg", {"--alpha", "drop"}), "0");
  picture.sample_type = image::SampleType::U16;
  image::write(logo, picture);
  EXPECT_EQ(advice("logo.jpg", {}), "7a format that keeps it, or --alpha drop and --depth");
  EXPECT_EQ(advice("logo.jpg", {"--alpha", "drop", "--depth", "8"}), "0");
  // Who asks for 16 bits has not asked for 8.
  EXPECT_EQ(advice("logo.jpg", {"--alpha", "drop", "--depth", "16"}).substr(0, 1), "7");
  const auto told = restore({logo, "-o", folder_ / "told.webp", "--depth", "16"});
  EXPECT_EQ(told.status, 0);
  EXPECT_NE(told.err.find("--depth 16 is more than is held by a file of webp"), std::string::npos)
      << told.err;
  image::write(logo, image::Image(1, 40, 50, 0.5F));
  EXPECT_EQ(advice("logo.webp", {}), "7a format that keeps it");  // grey becomes RGB
}

/// A profile of inks of which each takes a part of the lightness, and none has a colour.
image::test::Bytes profile_of_inks() {
  constexpr int kInks = 4;
  const cmsHPROFILE profile = cmsCreateProfilePlaceholder(nullptr);
  cmsSetProfileVersion(profile, 2.4);
  cmsSetDeviceClass(profile, cmsSigOutputClass);
  cmsSetColorSpace(profile, cmsSigCmykData);
  cmsSetPCS(profile, cmsSigLabData);
  std::vector<cmsUInt16Number> table;
  for (unsigned node = 0; node < 1U << kInks; ++node) {
    const auto light = static_cast<unsigned>(kInks - std::popcount(node));
    for (const unsigned value : {0xff00U * light / kInks, 0x8000U, 0x8000U})
      table.push_back(static_cast<cmsUInt16Number>(value));
  }
  cmsPipeline* pipeline = cmsPipelineAlloc(nullptr, kInks, 3);
  cmsPipelineInsertStage(pipeline, cmsAT_END,
                         cmsStageAllocCLut16bit(nullptr, 2, kInks, 3, table.data()));
  EXPECT_TRUE(cmsWriteTag(profile, cmsSigAToB0Tag, pipeline));
  cmsUInt32Number size = 0;
  cmsSaveProfileToMem(profile, nullptr, &size);
  image::test::Bytes bytes(size);
  EXPECT_TRUE(cmsSaveProfileToMem(profile, bytes.data(), &size));
  cmsPipelineFree(pipeline);
  cmsCloseProfile(profile);
  return bytes;
}

TEST_F(RestoreChecks, InksMayBecomeRgbInAnAudit) {
  constexpr std::uint32_t kSide = 24;
  image::test::Bytes inks(std::size_t{4} * kSide * kSide, 0);
  for (std::size_t i = 3; i < inks.size(); i += 4) inks[i] = i < inks.size() / 2 ? 0 : 255;
  const image::test::TiffParts parts{.width = kSide,
                                     .height = kSide,
                                     .bits = 8,
                                     .samples = 4,
                                     .photometric = 5,
                                     .data = inks,
                                     .icc = profile_of_inks()};
  const std::string name = folder_ / "inks.tif";
  image::test::save(name, image::test::make_tiff(parts));
  const auto restored =
      restore({name, "-o", folder_ / "out.tif", "--audit", "--strength", "0", "--depth", "8"});
  ASSERT_EQ(restored.status, 0) << restored.err;
  EXPECT_NE(restored.err.find("is CMYK: converted to RGB"), std::string::npos) << restored.err;
  EXPECT_NE(restored.out.find("colours: CMYK -> RGB (inks are restored as RGB)"), std::string::npos)
      << restored.out;
  EXPECT_NE(restored.out.find("lost     ICC profile"), std::string::npos) << restored.out;
  // By this profile paper is white, and black ink takes a quarter of the lightness: L* 75.
  const image::Image picture = image::read(folder_ / "out.tif");
  EXPECT_NEAR(picture.at(1, 0, 0), 1, 0.01);
  EXPECT_NEAR(picture.at(1, kSide - 1, 0), 0.7255, 0.01);
}

TEST_F(RestoreChecks, ChecksOfManyPictures) {
  with_block("photos/a.jpg");
  fs::copy_file(in_, folder_ / "photos/b.png");
  const std::string out = folder_ / "many";
  const auto result = restore({folder_ / "photos", "-o", out, "--audit", "--json"});
  EXPECT_EQ(result.status, 7) << result.err;  // all that failed are checks
  EXPECT_FALSE(fs::exists(out + "/a.jpg"));
  EXPECT_TRUE(fs::exists(out + "/b.png"));
  EXPECT_EQ(event(result.out, "failed")["exit_status"], 7);
  write_file_atomically(folder_ / "photos/c.png", std::string_view("no picture"));
  EXPECT_EQ(restore({folder_ / "photos", "-o", out, "--audit", "--overwrite"}).status, 1);
}

TEST_F(RestoreChecks, SlowGrainIsKeptAsAsked) {
  // With the bundle that ships, which takes noise away.
  ::setenv("CHIARO_BUNDLE_PATH", CHIARO_SOURCE_DIR "/models", 1);
  image::Image flat(3, 64, 64);
  Rng rng(5);
  for (float& value : flat.pixels()) value = 0.5F + static_cast<float>(0.08 * rng.normal());
  image::write(in_, flat);
  const auto deviation = [](const image::Image& picture) {
    double sum = 0, squares = 0;
    for (const float value : picture.plane(1)) {
      sum += value;
      squares += double{value} * value;
    }
    const auto count = static_cast<double>(picture.plane_size());
    return std::sqrt(squares / count - sum * sum / count / count);
  };
  const auto left = [&](const std::string& share) {
    const auto result = restore({in_, "-o", out_, "--overwrite", "--keep-grain", share});
    EXPECT_EQ(result.status, 0) << result.err;
    return deviation(image::read(out_));
  };
  const double none = left("0");
  const double half = left("0.5");
  const double all = left("1");
  EXPECT_LT(none, deviation(image::read(in_)) / 4);
  EXPECT_GT(half, 1.5 * none);
  EXPECT_GT(all, 1.5 * half);
  const auto refused = restore({in_, "-o", folder_ / "x.png", "--keep-grain", "1.1"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_NE(refused.err.find("got 1.1; expected 0 to 1"), std::string::npos) << refused.err;
}

TEST_F(RestoreChecks, SlowPredictedMemoryIsWhatIsTaken) {
  ::setenv("CHIARO_BUNDLE_PATH", CHIARO_SOURCE_DIR "/models", 1);
  image::Image picture(3, 1700, 2400);
  Rng rng(5);
  for (float& value : picture.pixels()) value = static_cast<float>(rng.uniform());
  const std::string large = folder_ / "large.ppm";
  image::write(large, picture);
  const auto ratio = [&](const std::string& precision, const std::string& limit) {
    const auto result = restore({large, "-o", out_, "--overwrite", "--json", "--max-memory", limit,
                                 "--precision", precision});
    EXPECT_EQ(result.status, 0) << result.err;
    const json start = event(result.out, "start");
    EXPECT_FALSE(start["in_strips"]);
    const double found = start["predicted_peak_bytes"].get<double>() /
                         event(result.out, "summary")["peak_resident_bytes"].get<double>();
    RecordProperty(fmt::format("{}_{}_{}_tiles", precision, limit, start["tiles"].get<int>()),
                   fmt::format("{:.3f}", found));
    std::printf("%s %s: %.3f\n", precision.c_str(), limit.c_str(), found);
    return found;
  };
  for (const std::string precision : {"f32", "auto"}) {
    for (const std::string limit : {"700M", "4G"}) {  // in tiles, and as a whole
      const double found = ratio(precision, limit);
      EXPECT_GE(found, 1.0) << precision << " " << limit;
      EXPECT_LT(found, 1.15) << precision << " " << limit;
    }
  }
}

TEST_F(RestoreChecks, SlowDefaultBundleKeepsItsPromises) {
  // 100 random regions of a photograph, and its tiles, with the bundle that ships.
  ::setenv("CHIARO_BUNDLE_PATH", CHIARO_SOURCE_DIR "/models", 1);
  const std::string photo = std::string(CHIARO_SOURCE_DIR) + "/examples/photos/coffee_jpeg.jpg";
  for (const char* precision : {"f32", "auto"}) {
    ASSERT_EQ(restore({photo, "-o", out_, "--precision", precision, "--overwrite"}).status, 0);
    const auto whole = image::read(out_);
    Rng rng(21);
    for (int i = 0; i < 50; ++i) {
      const auto width = static_cast<int>(rng.integer(1, 120));
      const auto height = static_cast<int>(rng.integer(1, 120));
      const auto x = static_cast<int>(rng.integer(0, whole.width() - width));
      const auto y = static_cast<int>(rng.integer(0, whole.height() - height));
      ASSERT_EQ(restore({photo, "-o", folder_ / "part.png", "--precision", precision, "--overwrite",
                         "--region", fmt::format("{},{},{},{}", x, y, width, height)})
                    .status,
                0);
      const auto part = image::read(folder_ / "part.png");
      const auto expected = image::crop(whole, y, x, height, width);
      EXPECT_TRUE(std::ranges::equal(part.pixels(), expected.pixels()))
          << precision << " " << x << "," << y << "," << width << "," << height;
    }
    const auto tiles = restore({photo, "-o", folder_ / "tiled.png", "--precision", precision,
                                "--overwrite", "--tile", "448", "--verify-tiles", "--json"});
    EXPECT_EQ(tiles.status, 0) << tiles.out << tiles.err;
  }
}

/// Those of models/ that restore, and whether they can be told what is wrong.
std::map<fs::path, bool> shipped_restorers() {
  std::map<fs::path, bool> found;
  for (const auto& entry : fs::directory_iterator(CHIARO_SOURCE_DIR "/models")) {
    if (entry.path().extension() != ".chiaro") continue;
    const auto manifest = bundle::read_manifest(entry.path());
    if (manifest.kind == "restore") found[entry.path()] = manifest.condition.has_value();
  }
  return found;
}

TEST_F(RestoreChecks, SlowTilesOfEveryBundleThatShipsAreTheWhole) {
  const image::Image photo = image::read(CHIARO_SOURCE_DIR "/examples/photos/pavilion_noisy.jpg");
  ASSERT_GE(shipped_restorers().size(), 2U);
  for (const auto& [height, width] : {std::pair{427, 640}, {427, 521}, {411, 633}}) {
    image::write(in_, image::crop(photo, 0, 0, height, width));
    for (const auto& [bundle, can_be_told] : shipped_restorers()) {
      const auto with = [&](const std::string& precision, Words more) {
        Words words{in_,        "-o",   out_,          "--overwrite", "--json",
                    "--bundle", bundle, "--precision", precision};
        if (can_be_told) words.insert(words.end(), {"--as", "noise(0.3)"});
        words.insert(words.end(), more.begin(), more.end());
        return restore(words);
      };
      ASSERT_EQ(with("f32", {}).status, 0);
      const auto whole = image::read(out_);
      for (const char* tile : {"448", "512"}) {
        const std::string what =
            fmt::format("{}, {} x {}, tiles of {}", bundle.string(), width, height, tile);
        const auto exact = with("f32", {"--tile", tile, "--verify-tiles"});
        ASSERT_EQ(exact.status, 0) << what << exact.err;
        EXPECT_TRUE(std::ranges::equal(whole.pixels(), image::read(out_).pixels())) << what;
        // As it ships: in bfloat16 where the processor has that and the bundle may.
        const auto usual = with("auto", {"--tile", tile, "--verify-tiles"});
        EXPECT_EQ(usual.status, 0) << what << usual.err;
        const json tiles = event(usual.out, "tiles");
        EXPECT_GT(tiles["windows"], 0) << what;
        const double bound = event(usual.out, "start")["precision"] == "f32" ? 1e-4 : 0.5 / 255;
        EXPECT_LE(tiles["largest_difference"], bound) << what;
      }
    }
  }
}

}  // namespace
}  // namespace chiaro::restore_checks_test
