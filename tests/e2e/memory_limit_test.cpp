// `chiaro restore --max-memory` with the bundle that ships: the process never takes more, and never
// more than it foretold, whichever way the picture goes.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "chiaro/base/files.h"
#include "chiaro/base/rng.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/pages.h"
#include "chiaro/image/strips.h"
#include "tests/support/events.h"
#include "tests/support/process.h"
#include "tests/support/shipped_bundles.h"

namespace chiaro::memory_limit_test {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

image::Image noise(int height, int width) {
  image::Image picture(3, height, width);
  picture.sample_type = image::SampleType::U8;
  Rng rng(5);
  for (float& value : picture.pixels()) value = static_cast<float>(rng.uniform());
  return picture;
}

/// Side by side and in mirrors, so that it has no edges of its own.
image::Image repeated(const image::Image& one, int height, int width) {
  const auto mirrored = [](int at, int length) {
    return (at / length) % 2 == 0 ? at % length : length - 1 - at % length;
  };
  image::Image picture(one.channels(), height, width);
  for (int c = 0; c < one.channels(); ++c) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x)
        picture.at(c, y, x) = one.at(c, mirrored(y, one.height()), mirrored(x, one.width()));
    }
  }
  return picture;
}

class MemoryLimit : public test::ShippedBundles {
 protected:
  static test::ProcessResult run(Words words) {
    words.insert(words.begin(), CHIARO_PROGRAM);
    return test::run_process(words);
  }

  static json event(const test::ProcessResult& result, const std::string& name) {
    for (const json& one : test::events(result.out))
      if (one["event"] == name) return one;
    ADD_FAILURE() << "no event " << name << " in " << result.out << result.err;
    return {};
  }

  /// Restores under the limit, expects it and the forecast to be kept, and returns what was said.
  test::ProcessResult expect_kept(const std::string& in, int limit_mib, Words more = {}) const {
    const std::string out = file("out.tif");
    Words words{"restore", in, "-o", out, "--overwrite", "--json", "--max-memory"};
    words.push_back(fmt::format("{}M", limit_mib));
    words.insert(words.end(), more.begin(), more.end());
    const auto result = run(words);
    const std::string way = fmt::format("{} at {} MiB", fmt::join(more, " "), limit_mib);
    EXPECT_EQ(result.status, 0) << way << ": " << result.err;
    if (result.status != 0) return result;
    const double peak = event(result, "summary")["peak_resident_bytes"].get<double>();
    const double foretold = event(result, "start")["predicted_peak_bytes"].get<double>();
    EXPECT_LE(peak, limit_mib * 1048576.0) << way;
    EXPECT_LE(peak, foretold) << way;
    EXPECT_LE(foretold, limit_mib * 1048576.0) << way;
    return result;
  }

  std::string file(const std::string& name) const { return folder_ / name; }
};

// Between two sizes of tiles: what is chosen after the controller's look must not exceed what was
// planned before it.
TEST_F(MemoryLimit, SlowIsKeptWhateverItIs) {
  image::write(file("large.ppm"), noise(2000, 3000));
  const auto expect_kept_in_tiles = [&](int limit_mib, const char* precision) {
    const auto result = expect_kept(file("large.ppm"), limit_mib, {"--precision", precision});
    const json start = event(result, "start");
    EXPECT_TRUE(!start["in_strips"] && start["tiles"] > 1) << start;
  };
  for (int limit_mib = 430; limit_mib <= 530; limit_mib += 20)
    expect_kept_in_tiles(limit_mib, "auto");
  for (const int limit_mib : {600, 700}) expect_kept_in_tiles(limit_mib, "f32");
}

// The network is prepared anew for the second page, which has another shape.
TEST_F(MemoryLimit, SlowIsKeptByPages) {
  const image::Image upright = noise(1400, 1000);
  image::Image across(1, 1000, 1400);
  across.sample_type = upright.sample_type;
  std::ranges::copy(upright.plane(0), across.pixels().begin());
  const std::vector<image::Frame> frames{frame_of(upright), frame_of(across)};
  image::PageWriter pages(file("pages.tif"), frames, {});
  pages.add(upright);
  pages.add(across);
  pages.commit();
  for (const int limit_mib : {190, 200, 210, 240}) expect_kept(file("pages.tif"), limit_mib);
}

// Of small pictures the constant part is most of it.
TEST_F(MemoryLimit, SlowIsKeptBySmallPictures) {
  const std::string photo = CHIARO_SOURCE_DIR "/examples/photos/dogs_noisy.jpg";
  for (const int limit_mib : {189, 192, 200}) {
    expect_kept(photo, limit_mib);
    expect_kept(photo, limit_mib, {"--again"});
  }
  image::Image hidden = noise(800, 1200);
  hidden.alpha.assign(hidden.plane_size(), 0.0F);
  std::fill_n(hidden.alpha.begin(), hidden.plane_size() / 3, 1.0F);
  image::write(file("hidden.png"), hidden);
  for (const int limit_mib : {215, 230, 260}) expect_kept(file("hidden.png"), limit_mib);
}

// What is held beside the picture is foretold as well.
TEST_F(MemoryLimit, SlowCoversCopiesOfThePicture) {
  image::write(file("picture.png"), noise(1000, 1500));
  const auto bytes = read_file(file("picture.png"));
  write_file_atomically(file("cut.png"), std::span(bytes).first(bytes.size() * 98 / 100));
  for (const int limit_mib : {400, 450}) {
    expect_kept(file("picture.png"), limit_mib, {"--ensemble", "--guard", "off"});
    expect_kept(file("picture.png"), limit_mib, {"--keep-grain", "0.5", "--guard", "off"});
    expect_kept(file("picture.png"), limit_mib, {"--region", "0,0,1496,996", "--guard", "off"});
    expect_kept(file("picture.png"), limit_mib,
                {"--region", "0,0,1496,996", "--ensemble", "--guard", "off"});
    expect_kept(file("cut.png"), limit_mib, {"--salvage", "--guard", "off"});
  }
}

TEST_F(MemoryLimit, SlowCoversTheCheckOfTiles) {
  image::write(file("large.ppm"), noise(2000, 3000));
  for (const int limit_mib : {430, 480}) {
    const auto result =
        expect_kept(file("large.ppm"), limit_mib, {"--verify-tiles", "--guard", "off"});
    EXPECT_GT(event(result, "tiles")["windows"], 4) << result.out;
  }
}

// The second look leaves room for larger tiles than the first did.
TEST_F(MemoryLimit, SlowCoversASecondLook) {
  const std::string clean = CHIARO_SOURCE_DIR "/examples/photos/clean/mountains.jpg";
  image::write(file("clean.png"), repeated(image::read(clean), 2000, 3000));
  const auto result = run({"degrade", file("clean.png"), "-o", file("bad.png"), "--spec",
                           "haze(beta=1.6,airlight=0.9)+noise(sigma_u8=15)"});
  ASSERT_EQ(result.status, 0) << result.err;
  const auto twice = expect_kept(file("bad.png"), 520, {"--again"});
  EXPECT_TRUE(event(twice, "restored").contains("below")) << twice.out;
}

// The first page leaves room for larger tiles than were foretold of the second.
TEST_F(MemoryLimit, SlowCoversEveryPage) {
  const std::vector<image::Image> pages{noise(1500, 2000), noise(1600, 1800), noise(900, 900)};
  std::vector<image::Frame> frames;
  for (const image::Image& page : pages) frames.push_back(image::frame_of(page));
  image::PageWriter writer(file("pages.tif"), frames, {});
  for (const image::Image& page : pages) writer.add(page);
  writer.commit();
  for (const int limit_mib : {450, 520, 560})
    expect_kept(file("pages.tif"), limit_mib, {"--guard", "off"});
}

TEST_F(MemoryLimit, SlowCoversAFolder) {
  std::filesystem::create_directories(folder_ / "in");
  for (int i = 0; i < 6; ++i)
    image::write(folder_ / "in" / fmt::format("{}.png", i), noise(300 + 100 * i, 900));
  for (const Words& way : {Words{}, Words{"--ensemble"}, Words{"--verify-tiles"}}) {
    Words words{"restore", file("in"),     "-o",   file("out"), "--overwrite",
                "--json",  "--max-memory", "480M", "--guard",   "off"};
    words.insert(words.end(), way.begin(), way.end());
    const auto result = run(words);
    ASSERT_EQ(result.status, 0) << result.err;
    const double peak = event(result, "summary")["peak_resident_bytes"].get<double>();
    const double foretold = event(result, "plan")["predicted_peak_bytes"].get<double>();
    EXPECT_LE(peak, foretold) << result.out;
    EXPECT_LE(foretold, 480 * 1048576.0);
  }
}

}  // namespace
}  // namespace chiaro::memory_limit_test
