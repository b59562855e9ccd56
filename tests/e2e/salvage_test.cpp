// `chiaro restore --salvage`: what is left of files that are cut off or broken.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/base/rng.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/salvage.h"
#include "tests/support/bundle_folder.h"
#include "tests/support/events.h"
#include "tests/support/occurrences.h"
#include "tests/support/process.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::salvage_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Words = std::vector<std::string>;

image::Image rough(int height, int width) {
  image::Image picture(3, height, width);
  Rng rng(5);
  for (float& value : picture.pixels()) value = static_cast<float>(rng.uniform());
  return picture;
}

class Salvage : public testing::Test {
 protected:
  void SetUp() override {
    test::use_default_bundle(folder_ / "models", "stack");
    fs::create_directories(folder_ / "in");
    for (const std::string name : {"a.jpg", "a.png"}) {
      image::write(file(name), rough(120, 80));
      auto bytes = read_file(file(name));
      bytes.resize(bytes.size() * 6 / 10);
      write_file_atomically(file("cut_" + name), bytes);
    }
  }
  void TearDown() override { ::unsetenv("CHIARO_BUNDLE_PATH"); }

  std::string file(const std::string& name) const { return folder_ / ("in/" + name); }

  static test::ProcessResult restore(Words words, const std::string& stdin_file = "/dev/null") {
    words.insert(words.begin(), {CHIARO_PROGRAM, "restore"});
    return test::run_process(words, stdin_file);
  }

  static json event(const std::string& out, const std::string& name) {
    for (const json& one : test::events(out))
      if (one["event"] == name) return one;
    ADD_FAILURE() << "no event " << name << " in " << out;
    return {};
  }

  test::TemporaryFolder folder_;
};

TEST_F(Salvage, ACutPictureIsRefusedAndWithTheFlagRestoredAndSaid) {
  for (const std::string name : {"cut_a.jpg", "cut_a.png"}) {
    const std::string out = folder_ / ("out_" + name);
    const auto refused = restore({file(name), "-o", out});
    EXPECT_EQ(refused.status, 3) << refused.err;
    EXPECT_FALSE(fs::exists(out));
    for (const Words& more : {Words{}, Words{"--quiet"}}) {
      Words words{file(name), "-o", out, "--salvage", "--overwrite"};
      words.insert(words.end(), more.begin(), more.end());
      const auto result = restore(words);
      ASSERT_EQ(result.status, 0) << result.err;
      EXPECT_EQ(test::occurrences(result.err, "damaged or truncated"), 1U) << result.err;
      EXPECT_EQ(test::occurrences(result.err, " % of its rows are missing"), 1U) << result.err;
      EXPECT_NE(result.err.find(name), std::string::npos) << result.err;
    }
    const image::Image picture = image::read(out);
    EXPECT_EQ(picture.width(), 80);
    EXPECT_EQ(picture.height(), 120);
  }
}

TEST_F(Salvage, WhatIsSoundIsRestoredAsIfItWereAll) {
  for (const std::string name : {"cut_a.jpg", "cut_a.png"}) {
    const auto [picture, damage] = image::salvage(file(name));
    ASSERT_TRUE(damage);
    const std::string alone = folder_ / (name + ".alone.png");
    image::write(alone, image::sound_part(picture, *damage));
    const std::string expected = folder_ / (name + ".expected.png");
    ASSERT_EQ(restore({alone, "-o", expected}).status, 0);
    const std::string out = folder_ / (name + ".out.png");
    ASSERT_EQ(restore({file(name), "-o", out, "--salvage"}).status, 0);
    const image::Image result = image::read(out);
    EXPECT_TRUE(std::ranges::equal(image::sound_part(result, *damage).pixels(),
                                   image::read(expected).pixels()));
    EXPECT_EQ(result.at(1, 119, 79), 128.0F / 255);
    const std::string many = folder_ / (name + ".many");
    ASSERT_EQ(restore({file(name), "-o", many + "/", "--salvage", "--name", "a.png"}).status, 0);
    EXPECT_EQ(image::read(many + "/a.png").at(1, 119, 79), 128.0F / 255);
    const std::string part = folder_ / (name + ".part.png");
    ASSERT_EQ(restore({file(name), "-o", part, "--salvage", "--region", "5,100,30,20"}).status, 0);
    EXPECT_TRUE(std::ranges::equal(image::read(part).pixels(),
                                   image::crop(result, 100, 5, 20, 30).pixels()));
  }
}

TEST_F(Salvage, EventsAndTheAuditSayIt) {
  for (const std::string name : {"cut_a.jpg", "cut_a.png"}) {
    const auto result =
        restore({file(name), "-o", folder_ / name, "--salvage", "--audit", "--json"});
    ASSERT_EQ(result.status, 0) << result.err;
    for (const std::string told : {"restored", "audit"}) {
      EXPECT_EQ(event(result.out, told)["incomplete"], true) << result.out;
      EXPECT_NEAR(event(result.out, told)["missing_share"].get<double>(), 0.4, 0.15);
    }
    const auto said = restore({file(name), "-o", folder_ / ("b_" + name), "--salvage", "--audit"});
    EXPECT_NE(said.out.find("\n  damaged  about "), std::string::npos) << said.out;
  }
}

TEST_F(Salvage, ThroughPipesAndInParts) {
  for (const std::string name : {"cut_a.jpg", "cut_a.png"}) {
    EXPECT_EQ(restore({"-", "-o", "-"}, file(name)).status, 3);
    const auto piped = restore({"-", "-o", "-", "--salvage"}, file(name));
    ASSERT_EQ(piped.status, 0) << piped.err;
    EXPECT_NE(piped.err.find("of its rows are missing"), std::string::npos) << piped.err;
    ASSERT_EQ(restore({file(name), "-o", folder_ / name, "--salvage"}).status, 0);
    write_file_atomically(folder_ / "piped", std::string_view(piped.out));
    EXPECT_EQ(read_file(folder_ / "piped"), read_file(folder_ / name));
    const std::string part = folder_ / ("part_" + name + ".png");
    ASSERT_EQ(restore({file(name), "-o", part, "--salvage", "--region", "3,4,50,20"}).status, 0);
    EXPECT_EQ(image::read(part).width(), 50);
  }
}

TEST_F(Salvage, OfAWholeFileNothingChanges) {
  for (const std::string name : {"a.jpg", "a.png"}) {
    const auto plain = restore({file(name), "-o", folder_ / ("plain_" + name), "--audit"});
    const auto flagged =
        restore({file(name), "-o", folder_ / ("flagged_" + name), "--audit", "--salvage"});
    ASSERT_EQ(flagged.status, 0) << flagged.err;
    EXPECT_EQ(plain.out, flagged.out);
    EXPECT_EQ(test::occurrences(plain.err, "\n"), test::occurrences(flagged.err, "\n"));
    EXPECT_EQ(read_file(folder_ / ("plain_" + name)), read_file(folder_ / ("flagged_" + name)));
    const auto told = restore({file(name), "-o", folder_ / ("c_" + name), "--salvage", "--json"});
    EXPECT_FALSE(event(told.out, "restored").contains("incomplete")) << told.out;
  }
}

TEST_F(Salvage, InAFolderToo) {
  const fs::path out = folder_ / "out";
  const auto refused = restore({folder_ / "in", "-o", folder_ / "refused", "--json"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(event(refused.out, "summary")["failed"], 2);
  const auto result = restore({folder_ / "in", "-o", out, "--salvage", "--audit", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(event(result.out, "summary")["done"], 4);
  EXPECT_EQ(event(result.out, "summary")["incomplete"], 2);
  EXPECT_EQ(test::occurrences(result.err, "of its rows are missing"), 2U) << result.err;
  int told = 0;
  for (const json& one : test::events(result.out)) {
    if (one["event"] != "restored" && one["event"] != "audit") continue;
    const bool cut = one["file"].get<std::string>().find("cut_") != std::string::npos;
    EXPECT_EQ(one.contains("incomplete"), cut) << one;
    if (cut) {
      EXPECT_NEAR(one["missing_share"].get<double>(), 0.4, 0.15);
    }
    ++told;
  }
  EXPECT_EQ(told, 8);
  for (const std::string name : {"cut_a.jpg", "cut_a.png"})
    EXPECT_EQ(image::read(out / name).height(), 120);
  const auto quiet = restore({folder_ / "in", "-o", folder_ / "quiet", "--salvage", "--quiet"});
  EXPECT_EQ(test::occurrences(quiet.err, "of its rows are missing"), 2U) << quiet.err;
}

TEST_F(Salvage, TheDamagedFileIsNoResult) {
  const auto one = restore(
      {file("cut_a.jpg"), "-o", folder_ / "one.jpg", "--salvage", "--strength", "0", "--json"});
  ASSERT_EQ(one.status, 0) << one.err;
  EXPECT_EQ(event(one.out, "restored")["copied"], false);
  EXPECT_EQ(image::read(folder_ / "one.jpg").height(), 120);
  const auto many =
      restore({folder_ / "in", "-o", folder_ / "many", "--salvage", "--strength", "0", "--json"});
  ASSERT_EQ(many.status, 0) << many.err;
  EXPECT_EQ(event(many.out, "summary")["copied"], 2);
  EXPECT_EQ(image::read(folder_ / "many/cut_a.jpg").height(), 120);
}

TEST_F(Salvage, WhatHasNothingLeftIsStillRefused) {
  write_file_atomically(file("letter.jpg"), std::string_view("this is a letter, not a picture"));
  auto bytes = read_file(file("a.jpg"));
  const auto scan = std::ranges::search(bytes, std::vector{std::byte{0xff}, std::byte{0xda}});
  ASSERT_FALSE(scan.empty());
  bytes.resize(static_cast<std::size_t>(scan.end() - bytes.begin()) + 12);
  write_file_atomically(file("head.jpg"), bytes);
  for (const std::string name : {"letter.jpg", "head.jpg"}) {
    const auto result = restore({file(name), "-o", folder_ / "out.jpg", "--salvage"});
    EXPECT_EQ(result.status, 3) << result.err;
    EXPECT_FALSE(fs::exists(folder_ / "out.jpg"));
  }
  EXPECT_EQ(restore({folder_ / "in", "-o", folder_ / "out", "--salvage"}).status, 1);
}

/// Whole pictures go in strips as ever; what is left of a damaged one cannot.
TEST_F(Salvage, UnderALimitOnMemory) {
  CHIARO_SKIP_WHERE_SANITIZED();
  fs::create_directories(folder_ / "large");
  const std::string whole = folder_ / "large/whole.png";
  const std::string cut = folder_ / "large/cut.png";
  image::write(whole, image::Image(3, 3600, 4000, 0.25F));
  auto bytes = read_file(whole);
  bytes.resize(bytes.size() / 2);
  write_file_atomically(cut, bytes);
  const Words limit{"--salvage", "--max-memory", "180M", "--threads", "2", "--json"};
  const auto with = [&](Words words) {
    words.insert(words.end(), limit.begin(), limit.end());
    return restore(words);
  };
  const auto strips = with({whole, "-o", folder_ / "whole.png"});
  ASSERT_EQ(strips.status, 0) << strips.err;
  EXPECT_EQ(event(strips.out, "start")["in_strips"], true);
  const auto refused = with({cut, "-o", folder_ / "cut.png"});
  EXPECT_EQ(refused.status, 6) << refused.err;
  EXPECT_FALSE(fs::exists(folder_ / "cut.png"));
  const auto many = with({folder_ / "large", "-o", folder_ / "many"});
  EXPECT_EQ(many.status, 1) << many.err;
  EXPECT_EQ(event(many.out, "failed")["exit_status"], 6) << many.out;
  EXPECT_EQ(event(many.out, "restored")["in_strips"], true) << many.out;
  EXPECT_EQ(with({file("cut_a.png"), "-o", folder_ / "small.png"}).status, 0);
}

}  // namespace
}  // namespace chiaro::salvage_test
