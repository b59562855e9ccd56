// `chiaro restore` with pictures of several pages, with values outside the usual range, and with
// files that change: what must not be lost without a word.
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "chiaro/base/files.h"
#include "chiaro/base/rng.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/pages.h"
#include "tests/support/bundle_folder.h"
#include "tests/support/events.h"
#include "tests/support/graph_bundle.h"
#include "tests/support/named_pipe.h"
#include "tests/support/occurrences.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::restore_pages_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Words = std::vector<std::string>;

image::Image rough(int channels, int height, int width, image::SampleType type) {
  image::Image picture(channels, height, width);
  Rng rng(static_cast<std::uint64_t>(height));
  for (float& value : picture.pixels()) value = static_cast<float>(rng.uniform());
  picture.sample_type = type;
  return picture;
}

/// A folder with the bundle "default" (the graph `stack`) and a TIFF of three pages, which are
/// files of their own as well.
class RestorePages : public testing::Test {
 protected:
  void SetUp() override {
    test::use_default_bundle(folder_ / "models", "stack");
    const std::vector<image::Image> pages{rough(3, 40, 56, image::SampleType::U8),
                                          rough(1, 33, 21, image::SampleType::U16),
                                          rough(3, 20, 90, image::SampleType::U8)};
    std::vector<image::Frame> frames;
    for (const image::Image& page : pages) frames.push_back(frame_of(page));
    image::PageWriter writer(in_, frames, {});
    for (std::size_t i = 0; i < pages.size(); ++i) {
      writer.add(pages[i]);
      image::write(page_file(i), pages[i]);
    }
    writer.commit();
  }
  void TearDown() override { ::unsetenv("CHIARO_BUNDLE_PATH"); }

  std::string page_file(std::size_t page) const {
    return folder_ / ("page" + std::to_string(page) + ".tif");
  }

  static test::ProcessResult restore(Words words, const std::string& stdin_file = "/dev/null") {
    words.insert(words.begin(), {CHIARO_PROGRAM, "restore"});
    return test::run_process(words, stdin_file);
  }

  static std::vector<json> events_named(const std::string& out, const std::string& name) {
    std::vector<json> found;
    for (const json& one : test::events(out))
      if (one["event"] == name) found.push_back(one);
    return found;
  }

  /// Each page is what its own file becomes.
  void expect_pages(const std::string& result, const Words& options = {}) const {
    const image::PageReader reader(result);
    ASSERT_EQ(reader.count(), 3);
    for (std::size_t i = 0; i < 3; ++i) {
      const std::string alone = folder_ / ("alone" + std::to_string(i) + ".tif");
      Words words{page_file(i), "-o", alone, "--overwrite"};
      words.insert(words.end(), options.begin(), options.end());
      ASSERT_EQ(restore(words).status, 0);
      const image::Image expected = image::read(alone);
      const image::Image page = reader.read(static_cast<int>(i));
      ASSERT_EQ(page.width(), expected.width());
      EXPECT_EQ(page.sample_type, expected.sample_type);
      EXPECT_TRUE(std::ranges::equal(page.pixels(), expected.pixels())) << i;
      EXPECT_FALSE(std::ranges::equal(page.pixels(), image::read(page_file(i)).pixels()));
    }
  }

  void expect_nothing_written(const std::string& name) const {
    for (const auto& entry : fs::directory_iterator(folder_.path()))
      EXPECT_FALSE(entry.path().filename().string().starts_with(name)) << entry.path();
  }

  test::TemporaryFolder folder_;
  std::string in_ = folder_ / "in.tif";
};

TEST_F(RestorePages, AllAreRestoredInOrder) {
  const std::string out = folder_ / "out.tif";
  const auto result = restore({in_, "-o", out, "--audit", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  expect_pages(out);
  const auto pages = events_named(result.out, "page");
  ASSERT_EQ(pages.size(), 3U);
  EXPECT_EQ(pages[1]["page"], 2);
  EXPECT_EQ(pages[1]["pages"], 3);
  EXPECT_EQ(pages[1]["width"], 21);
  EXPECT_EQ(events_named(result.out, "start")[0]["pages"], 3);
  EXPECT_EQ(events_named(result.out, "restored")[0]["pages"], 3);
  const json audit = events_named(result.out, "audit")[0];
  EXPECT_EQ(audit["sound"], true);
  const auto has = [&](int page, const std::string& name, const std::string& before) {
    return std::ranges::any_of(audit["traits"], [&](const json& trait) {
      return trait["page"] == page && trait["name"] == name && trait["before"] == before;
    });
  };
  EXPECT_TRUE(has(1, "further pictures (pages)", "2")) << audit;
  EXPECT_TRUE(has(2, "bits per sample", "16")) << audit;
  EXPECT_TRUE(has(2, "colours", "grey")) << audit;
  EXPECT_EQ(result.err.find("only the first"), std::string::npos) << result.err;
}

TEST_F(RestorePages, TileChecksNameTheFileAndThePage) {
  fs::create_directories(folder_ / "scans");
  fs::copy_file(in_, folder_ / "scans/three.tif");
  const auto one = restore({in_, "-o", folder_ / "out.tif", "--verify-tiles", "--json"});
  const auto many =
      restore({folder_ / "scans", "-o", folder_ / "many/", "--verify-tiles", "--json"});
  for (const auto& [result, file] :
       {std::pair{one, in_}, {many, std::string(folder_ / "scans/three.tif")}}) {
    ASSERT_EQ(result.status, 0) << result.err;
    const auto checks = events_named(result.out, "tiles");
    ASSERT_EQ(checks.size(), 3U) << result.out;
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(checks[i]["file"], file);
      EXPECT_EQ(checks[i].value("page", 0), static_cast<int>(i) + 1);
    }
  }
  const auto said = restore({in_, "-o", folder_ / "said.tif", "--verify-tiles"});
  EXPECT_NE(said.out.find(in_ + ", page 2: one tile"), std::string::npos) << said.out;
  const auto alone = restore({page_file(0), "-o", folder_ / "al.tif", "--verify-tiles", "--json"});
  EXPECT_FALSE(events_named(alone.out, "tiles").at(0).contains("page")) << alone.out;
}

TEST_F(RestorePages, OfAFolderAndThroughPipes) {
  fs::create_directories(folder_ / "scans");
  fs::copy_file(in_, folder_ / "scans/three.tif");
  fs::copy_file(page_file(0), folder_ / "scans/one.tif");
  const auto batch = restore({folder_ / "scans", "-o", folder_ / "many/", "--audit", "--json"});
  ASSERT_EQ(batch.status, 0) << batch.err;
  expect_pages(folder_ / "many/three.tif");
  for (const json& one : events_named(batch.out, "restored")) {
    EXPECT_EQ(one["pages"], one["file"].get<std::string>().ends_with("three.tif") ? 3 : 1);
    EXPECT_EQ(one["in_strips"], false);
  }
  const auto piped = restore({"-", "-o", "-", "--format", "tiff"}, in_);
  ASSERT_EQ(piped.status, 0) << piped.err;
  write_file_atomically(folder_ / "piped.tif", std::string_view(piped.out));
  EXPECT_EQ(read_file(folder_ / "piped.tif"), read_file(folder_ / "many/three.tif"));
}

TEST_F(RestorePages, ThroughANamedPipe) {
  const std::string named = folder_ / "pipe";
  const test::NamedPipe pipe(named, in_);
  const std::string out = folder_ / "named.tif";
  const auto result = restore({named, "-o", out});
  ASSERT_EQ(result.status, 0) << result.err;
  expect_pages(out);
}

TEST_F(RestorePages, AFormatWithoutPagesTakesTheFirstAndSaysSo) {
  const std::string out = folder_ / "out.png";
  const auto result = restore({in_, "-o", out});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(test::occurrences(result.err, "holds 3 pictures; only the first is read"), 1U)
      << result.err;
  EXPECT_EQ(image::read(out).width(), 56);
  const auto audited = restore({in_, "-o", folder_ / "audited.png", "--audit"});
  EXPECT_EQ(audited.status, 7);
  EXPECT_NE(audited.err.find("further pictures (pages)"), std::string::npos) << audited.err;
  const auto stripped = restore({in_, "-o", folder_ / "audited.png", "--audit", "--strip"});
  EXPECT_EQ(stripped.status, 7) << "pages are no metadata";
  EXPECT_EQ(stripped.err.find(", or "), std::string::npos) << stripped.err;
  fs::create_directories(folder_ / "scans");
  fs::copy_file(in_, folder_ / "scans/three.tif");
  const auto many = restore({folder_ / "scans", "-o", folder_ / "many/", "--format", "png"});
  EXPECT_EQ(test::occurrences(many.err, "only the first is read"), 1U) << many.err;
}

TEST_F(RestorePages, TheControllerLooksAtEach) {
  bundle::Members members;
  members.emplace(bundle::kRestoreMember, test::graph_bytes("film"));
  members.emplace(bundle::kConditionMember, test::graph_bytes("controller"));
  bundle::write_bundle(folder_ / "models/film.chiaro", test::graph_manifest("film"), members);
  const std::string out = folder_ / "out.tif";
  const auto result = restore({in_, "-o", out, "--bundle", "film", "--guard", "off", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const auto pages = events_named(result.out, "page");
  ASSERT_EQ(pages.size(), 3U);
  for (const json& page : pages) EXPECT_TRUE(page.contains("inspection")) << page;
  EXPECT_NE(pages[0]["inspection"], pages[2]["inspection"]);
  expect_pages(out, {"--bundle", "film", "--guard", "off"});
}

TEST_F(RestorePages, ADamagedOneIsNamedAndNothingIsWritten) {
  auto bytes = read_file(in_);
  // The last page's pixels: behind the second folder. What libtiff meets there is no LZW.
  const auto last = read_file(page_file(2));
  const auto first_bytes = std::span(last).subspan(8, 40);
  const auto found = std::ranges::search(bytes, first_bytes);
  ASSERT_FALSE(found.empty());
  std::fill_n(found.begin(), 400, std::byte{0xff});
  write_file_atomically(in_, bytes);
  const auto result = restore({in_, "-o", folder_ / "out.tif"});
  EXPECT_EQ(result.status, 3) << result.err;
  EXPECT_NE(result.err.find("page 3 of 3"), std::string::npos) << result.err;
  expect_nothing_written("out");
}

TEST_F(RestorePages, ThatAreCutOffAreNotLostWithoutAWord) {
  const std::string says = "leads to another that is not in the file";
  const auto whole = restore({in_, "-o", folder_ / "out.tif"});
  EXPECT_EQ(test::occurrences(whole.err, says), 0U) << whole.err;
  const auto bytes = read_file(in_);
  fs::create_directories(folder_ / "scans");
  for (const auto& [share, pages] : {std::pair{0.6, 1}, {0.9, 2}}) {
    const std::string cut = folder_ / "scans/cut.tif";
    write_file_atomically(cut, std::span(bytes).first(static_cast<std::size_t>(
                                   share * static_cast<double>(bytes.size()))));
    ASSERT_EQ(image::PageReader(cut).count(), pages);
    for (const auto& result : {restore({cut, "-o", folder_ / "cut.tif", "--overwrite"}),
                               restore({cut, "-o", folder_ / "cut.png", "--overwrite"}),
                               restore({folder_ / "scans", "-o", folder_ / "many/", "--overwrite"}),
                               restore({"-", "-o", folder_ / "cut.tif", "--overwrite"}, cut)}) {
      EXPECT_EQ(result.status, 0) << result.err;
      EXPECT_EQ(test::occurrences(result.err, says), 1U) << result.err;
    }
    const auto audited = restore({cut, "-o", folder_ / "cut.tif", "--overwrite", "--audit"});
    EXPECT_EQ(audited.status, 7) << audited.err;
    EXPECT_NE(audited.err.find("further pages"), std::string::npos) << audited.err;
  }
}

TEST_F(RestorePages, AFullDiskStopsTheFolder) {
  const std::string out = folder_ / "many";
  fs::create_directories(folder_ / "scans");
  fs::create_directories(out);
  for (int i = 0; i < 12; ++i)
    fs::copy_file(in_, folder_ / ("scans/" + std::to_string(i) + ".tif"));
  if (::mount("tmpfs", out.c_str(), "tmpfs", 0, "size=64k") != 0)
    GTEST_SKIP() << "needs the right to mount";
  const auto result = restore({folder_ / "scans", "-o", out, "--json"});
  EXPECT_EQ(result.status, 4) << result.err;
  const json summary = events_named(result.out, "summary").at(0);
  EXPECT_EQ(summary["stopped"], "the disk is full");
  EXPECT_EQ(summary["failed"], 1);
  EXPECT_GT(summary["done"], 0);
  EXPECT_GT(summary["not_begun"], 0);
  for (const auto& entry : fs::directory_iterator(out))
    EXPECT_EQ(image::PageReader(entry.path()).count(), 3) << entry.path();
  ::umount(out.c_str());
}

TEST_F(RestorePages, WhatCannotBeWrittenIsSaidFirst) {
  // Nothing is begun: there is no event `start`.
  const auto refused = [&](const Words& words, int status, const std::string& part) {
    const auto result = restore(words);
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    EXPECT_TRUE(events_named(result.out, "start").empty()) << result.out;
    expect_nothing_written("out");
  };
  const std::string wide = folder_ / "wide.png";
  image::write(wide, image::Image(1, 8, 16384, 0.5F));
  refused({wide, "-o", folder_ / "out.webp", "--json"}, 2, "too large for webp");
  refused({folder_ / "missing.png", "-o", folder_ / "out.x", "--format", "gif", "--json"}, 2,
          "unknown picture format");
  EXPECT_EQ(restore({wide, "-o", folder_ / "part.webp", "--region", "0,0,100,8"}).status, 0);
  fs::create_directories(folder_ / "photos");
  fs::copy_file(wide, folder_ / "photos/wide.png");
  fs::copy_file(page_file(0), folder_ / "photos/small.tif");
  const auto many = restore({folder_ / "photos", "-o", folder_ / "many/", "--format", "webp"});
  EXPECT_EQ(many.status, 1);
  EXPECT_NE(many.err.find("wide.png: [image.encode] too large for webp"), std::string::npos)
      << many.err;
  EXPECT_TRUE(fs::exists(folder_ / "many/small.webp"));
}

TEST_F(RestorePages, AFileThatChangesMeanwhileIsRefused) {
  const std::string slow = folder_ / "slow.png";
  image::write(slow, rough(3, 600, 800, image::SampleType::U8));
  for (const std::string& file : {slow, in_}) {
    const test::Process process({CHIARO_PROGRAM, "restore", file, "-o", folder_ / "out.tif"});
    // Touched all the time: whenever it is read, it changes between begin and end.
    std::jthread toucher([&](const std::stop_token& stop) {
      for (auto at = fs::file_time_type::clock::now(); !stop.stop_requested();
           at += std::chrono::seconds(1)) {
        fs::last_write_time(file, at);
        std::this_thread::sleep_for(std::chrono::microseconds(50));
      }
    });
    const auto result = process.finish();
    toucher = {};
    EXPECT_EQ(result.status, 3) << file << result.err;
    EXPECT_NE(result.err.find("[base.expect_unchanged]"), std::string::npos) << result.err;
    EXPECT_NE(result.err.find("changed or went away"), std::string::npos) << result.err;
    expect_nothing_written("out");
    EXPECT_EQ(restore({file, "-o", folder_ / "sound.tif", "--overwrite"}).status, 0);
  }
}

TEST_F(RestorePages, WhatIsBrighterThanWhiteIsNotLostWithoutAWord) {
  test::use_default_bundle(folder_ / "neutral", "identity");
  image::Image bright = rough(3, 30, 40, image::SampleType::F32);
  bright.at(0, 3, 4) = 12.5F;
  for (const std::string name : {"bright.tif", "bright.pfm"}) {
    const std::string file = folder_ / name;
    image::write(file, bright);
    const std::string out = folder_ / ("out_" + name);
    const auto plain = restore({file, "-o", out, "--audit"});
    ASSERT_EQ(plain.status, 0) << plain.err;
    EXPECT_EQ(test::occurrences(plain.err, "cut off"), 0U) << plain.err;
    EXPECT_TRUE(std::ranges::equal(image::read(out).pixels(), bright.pixels()));
    const auto narrow = restore({file, "-o", folder_ / "narrow.png", "--overwrite"});
    ASSERT_EQ(narrow.status, 0) << narrow.err;
    EXPECT_EQ(test::occurrences(narrow.err, "cut off"), 1U) << narrow.err;
    EXPECT_NE(narrow.err.find("1 value, from 0 to 12.5"), std::string::npos) << narrow.err;
    const auto audited = restore({file, "-o", folder_ / "no.png", "--audit"});
    EXPECT_EQ(audited.status, 7) << audited.out;
    EXPECT_NE(audited.err.find("values outside 0 to 1"), std::string::npos) << audited.err;
    expect_nothing_written("no");
    // With consent.
    EXPECT_EQ(
        restore({file, "-o", folder_ / "asked.png", "--audit", "--depth", "16", "--overwrite"})
            .status,
        0);
  }
}

}  // namespace
}  // namespace chiaro::restore_pages_test
