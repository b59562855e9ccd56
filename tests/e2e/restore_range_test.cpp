// `chiaro restore` with OpenEXR and Radiance pictures, in and out, and with turned pictures larger
// than memory: what they hold is there afterwards, or the program says what is not.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "chiaro/base/files.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/strips.h"
#include "tests/support/bundle_folder.h"
#include "tests/support/events.h"
#include "tests/support/process.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::restore_range_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Words = std::vector<std::string>;

std::string stored(const std::string& name) {
  return std::string(CHIARO_SOURCE_DIR) + "/tests/image/data/" + name;
}

std::ptrdiff_t lines(const std::string& text) {
  return std::ranges::count(text, '\n');
}

/// A folder with the bundle "default", whose network changes nothing.
class RestoreRange : public testing::Test {
 protected:
  void SetUp() override { test::use_default_bundle(folder_ / "models", "identity"); }
  void TearDown() override { ::unsetenv("CHIARO_BUNDLE_PATH"); }

  static test::ProcessResult restore(Words words) {
    words.insert(words.begin(), {CHIARO_PROGRAM, "restore"});
    return test::run_process(words);
  }

  std::string out(const std::string& name) const { return folder_ / name; }

  const test::TemporaryFolder folder_;
};

TEST_F(RestoreRange, ANeutralNetworkKeepsAllOfAnOpenExr) {
  for (const std::string name : {"half_rgba", "float_piz", "tiled", "grey", "p3"}) {
    SCOPED_TRACE(name);
    const std::string in = stored(name + ".exr");
    const auto result = restore({in, "-o", out(name + ".exr"), "--audit"});
    ASSERT_EQ(result.status, 0) << result.err;
    const image::Image before = image::read(in);
    const image::Image after = image::read(out(name + ".exr"));
    EXPECT_EQ(after.alpha, before.alpha);
    EXPECT_EQ(after.metadata.half_floats, before.metadata.half_floats);
    for (std::size_t i = 0; i < after.pixels().size(); ++i)
      EXPECT_NEAR(after.pixels()[i], before.pixels()[i],
                  2e-6 * std::abs(before.pixels()[i]) + 1e-7);
  }
}

TEST_F(RestoreRange, OtherFormatsOfFloatsKeepTheRange) {
  const std::string in = stored("float_piz.exr");
  const image::Image before = image::read(in);
  for (const std::string name : {"a.tif", "a.pfm", "a.hdr"}) {
    SCOPED_TRACE(name);
    const auto result = restore({in, "-o", out(name)});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.err.find("cut off"), std::string::npos) << result.err;
    const image::Image after = image::read(out(name));
    const double most = std::ranges::max(before.pixels());
    EXPECT_NEAR(std::ranges::max(after.pixels()), most, most / 200);
    if (name == "a.hdr") continue;
    EXPECT_EQ(restore({in, "-o", out("audited_" + name), "--audit"}).status, 0);
    for (std::size_t i = 0; i < after.pixels().size(); ++i)
      EXPECT_NEAR(after.pixels()[i], before.pixels()[i],
                  2e-6 * std::abs(before.pixels()[i]) + 1e-7);
  }
}

TEST_F(RestoreRange, TheAuditNamesWhatAFormatDoesNotHold) {
  const std::string in = stored("half_rgba.exr");
  const auto radiance = restore({in, "-o", out("a.hdr"), "--audit"});
  EXPECT_EQ(radiance.status, 7) << radiance.err;
  for (const std::string what : {"bits per sample", "transparency", "OpenEXR owner"})
    EXPECT_NE(radiance.err.find(what), std::string::npos) << radiance.err;
  // With consent.
  EXPECT_EQ(
      restore({stored("float_piz.exr"), "-o", out("c.hdr"), "--audit", "--depth", "8"}).status, 0);
  const auto png = restore({in, "-o", out("a.png"), "--audit"});
  EXPECT_EQ(png.status, 7) << png.err;
  EXPECT_NE(png.err.find("values outside 0 to 1"), std::string::npos) << png.err;
  EXPECT_NE(png.err.find("which png does not hold"), std::string::npos) << png.err;
  EXPECT_FALSE(fs::exists(out("a.png")));
  // Radiance to itself loses nothing, header lines and all.
  const auto same = restore({stored("plain.hdr"), "-o", out("b.hdr"), "--audit"});
  EXPECT_EQ(same.status, 0) << same.err << same.out;
}

TEST_F(RestoreRange, BadFilesGiveOneSentenceAndNoResult) {
  const auto whole = read_file(stored("float_piz.exr"));
  const auto radiance = read_file(stored("plain.hdr"));
  auto huge = whole;
  const std::string_view text(reinterpret_cast<const char*>(whole.data()), whole.size());
  const std::string_view name("dataWindow\0box2i\0\x10\0\0\0", 21);
  const std::int32_t last = 59999;
  for (const std::size_t at : {std::size_t{8}, std::size_t{12}})
    std::memcpy(huge.data() + text.find(name) + name.size() + at, &last, sizeof(last));
  write_file_atomically(folder_ / "huge.exr", huge);
  write_file_atomically(folder_ / "cut.exr", std::span(whole).first(900));
  write_file_atomically(folder_ / "cut.hdr", std::span(radiance).first(300));
  write_file_atomically(folder_ / "wrong.exr", std::string_view("\x76\x2f\x31\x02 and more", 13));
  for (const std::string bad : {"huge.exr", "cut.exr", "cut.hdr", "wrong.exr"}) {
    SCOPED_TRACE(bad);
    for (const Words& more : {Words{}, Words{"--max-memory", "1G"}}) {
      Words words{folder_ / bad, "-o", out("none.tif")};
      words.insert(words.end(), more.begin(), more.end());
      const auto result = restore(words);
      EXPECT_EQ(result.status, 3) << result.err;
      EXPECT_EQ(lines(result.err), 1) << result.err;
      EXPECT_NE(result.err.find(bad), std::string::npos) << result.err;
      EXPECT_FALSE(fs::exists(out("none.tif")));
    }
  }
}

/// Rows of a picture that is never in memory here.
void make_large(const fs::path& file, int height, int width, image::SampleType type) {
  image::Frame frame{3, height, width, false, type, {}};
  frame.metadata.linear_light = type == image::SampleType::F32;
  int y = 0;
  image::write_strips(file, frame, {}, [&] {
    image::Image strip(3, 1, width);
    for (int c = 0; c < 3; ++c) {
      for (int x = 0; x < width; ++x)
        strip.at(c, 0, x) =
            static_cast<float>((x * (c + 3) + y * 7 + x / 64 * (y / 64)) % 256) / 255;
      if (type == image::SampleType::F32) strip.at(c, 0, y % width) = 20;
    }
    ++y;
    return strip;
  });
}

std::int64_t predicted_bytes(const std::string& lines) {
  for (const json& one : test::events(lines))
    if (one["event"] == "start") return one["predicted_peak_bytes"];
  ADD_FAILURE() << "no event 'start'";
  return 0;
}

TEST_F(RestoreRange, LargeOnesGoThroughInStrips) {
  CHIARO_SKIP_WHERE_SANITIZED();
  make_large(folder_ / "large.exr", 4400, 900, image::SampleType::F32);
  make_large(folder_ / "large.tif", 4400, 900, image::SampleType::U8);
  image::Image turned = image::read(folder_ / "large.tif");
  for (const std::string name : {"large.exr", "turned.tif"}) {
    SCOPED_TRACE(name);
    const std::string in = folder_ / name;
    if (name == "turned.tif") {  // the orientation, in a folder that libvips writes
      auto bytes = image::encode(turned, {.format = "tiff"});
      std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      const auto tag = text.rfind(std::string_view("\x12\x01\x03\x00\x01\x00\x00\x00\x01\x00", 10));
      ASSERT_NE(tag, std::string_view::npos);
      bytes[tag + 8] = std::byte{6};
      write_file_atomically(in, bytes);
      ASSERT_EQ(image::probe(in).width, 4400);
    }
    // A quality asks for a new file, although nothing changes here.
    const auto whole = restore({in, "-o", out("whole.tif"), "--overwrite", "--tile", "256",
                                "--quality", "90", "--max-memory", "4G", "--json"});
    ASSERT_EQ(whole.status, 0) << whole.err;
    // Just too little for the whole. What the program itself takes depends on how the system keeps
    // its files.
    const std::int64_t ceiling = predicted_bytes(whole.out) - (std::int64_t{5} << 20);
    const auto strips = restore({in, "-o", out("strips.tif"), "--overwrite", "--tile", "256",
                                 "--max-memory", std::to_string(ceiling), "--json"});
    ASSERT_EQ(strips.status, 0) << strips.err;
    for (const json& one : test::events(strips.out)) {
      if (one["event"] == "start") {
        EXPECT_TRUE(one["in_strips"]) << one;
      }
      if (one["event"] == "summary") {
        EXPECT_LE(one["peak_resident_bytes"].get<std::int64_t>(), ceiling) << one;
      }
    }
    EXPECT_EQ(strips.err.find("temporary file") != std::string::npos, name == "turned.tif")
        << strips.err;
    EXPECT_EQ(read_file(out("strips.tif")), read_file(out("whole.tif")));
  }
}

}  // namespace
}  // namespace chiaro::restore_range_test
