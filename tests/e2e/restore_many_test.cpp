// `chiaro restore` with folders and patterns.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <thread>

#include "chiaro/base/files.h"
#include "chiaro/image/codec.h"
#include "tests/support/bundle_folder.h"
#include "tests/support/events.h"
#include "tests/support/noise.h"
#include "tests/support/process.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/terminal.h"

namespace chiaro::restore_many_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::events;
using test::ProcessResult;
using Words = std::vector<std::string>;

class RestoreMany : public testing::Test {
 protected:
  void SetUp() override {
    test::use_default_bundle(folder_ / "models", "stack");
    std::uint64_t seed = 0;
    for (const std::string& name : names_) {
      fs::create_directories((folder_ / "in" / name).parent_path());
      image::write(folder_ / "in" / name, test::noise(3, 20, 30, {.seed = ++seed}));
    }
  }
  void TearDown() override { ::unsetenv("CHIARO_BUNDLE_PATH"); }

  ProcessResult restore(Words words) const {
    words.insert(words.begin(), {CHIARO_PROGRAM, "restore"});
    return test::run_process(words);
  }
  ProcessResult restore_tree(Words more = {}) const {
    more.insert(more.begin(), {in_, "-o", out_});
    return restore(more);
  }

  /// Files below a folder, without the folder.
  static std::set<std::string> files_in(const fs::path& folder) {
    std::set<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (!entry.is_directory()) files.insert(entry.path().lexically_relative(folder));
    }
    return files;
  }
  std::set<std::string> all() const { return {names_.begin(), names_.end()}; }

  static std::map<std::string, int> counts(const std::vector<json>& events) {
    std::map<std::string, int> result;
    for (const json& event : events) ++result[event.at("event")];
    return result;
  }

  test::TemporaryFolder folder_;
  std::string in_ = folder_ / "in";
  std::string out_ = folder_ / "out";
  Words names_{"a.png", "b c/d.jpg", "b c/\xc3\xa9\xc3\xa9/e.tif",
               "b c/\xc3\xa9\xc3\xa9/\xff\n.webp"};
};

TEST_F(RestoreMany, ATreeIsMirroredAndEqualsOneByOne) {
  const auto result = restore_tree();
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_NE(result.err.find("4 pictures restored"), std::string::npos) << result.err;
  EXPECT_EQ(files_in(out_), all());
  for (const std::string& name : names_) {
    const std::string alone = (folder_ / "alone").string() + fs::path(name).extension().string();
    ASSERT_EQ(restore({in_ + "/" + name, "-o", alone}).status, 0);
    EXPECT_EQ(read_file(alone), read_file(out_ + "/" + name)) << name;
  }
}

// The bar of a folder is drawn on a terminal that is closed meanwhile.
TEST_F(RestoreMany, GoesOnWithoutItsTerminal) {
  for (int i = 0; i < 6; ++i)
    image::write(folder_ / "in" / (std::to_string(i) + ".png"),
                 test::noise(3, 900, 900, {.seed = 7}));
  test::OnTerminal program({CHIARO_PROGRAM, "restore", in_, "-o", out_, "--engines", "1"});
  EXPECT_NE(program.read(), "");  // the bar has begun
  program.close();
  EXPECT_EQ(program.finish(), 0);
  EXPECT_EQ(files_in(out_).size(), names_.size() + 6);
}

TEST_F(RestoreMany, SaysHowFastAndHowLongStill) {
  for (int i = 0; i < 6; ++i)
    image::write(folder_ / "in" / (std::to_string(i) + ".png"),
                 test::noise(3, 800, 900, {.seed = 7}));
  const test::OnTerminal program({CHIARO_PROGRAM, "restore", in_, "-o", out_, "--engines", "1",
                                  "--threads", "1", "--tile", "48"});
  const std::string shown = program.read_all();
  EXPECT_EQ(program.finish(), 0);
  // Where one is done, the time left is known.
  const std::regex bar(
      R"(restoring \[#*-*\] ([1-9]\d*) of 10  (\d+\.\d\d) pictures/s  (\d+\.\d) MP/s  \d[^?]* left)");
  std::smatch found;
  ASSERT_TRUE(std::regex_search(shown, found, bar)) << shown;
  EXPECT_GT(std::stod(found[2]), 0);
  const std::regex last(R"(10 pictures restored in [^:]+: (\d+\.\d\d) pictures/s, (\d+\.\d) MP/s)");
  EXPECT_TRUE(std::regex_search(shown, found, last)) << shown;

  // Without a terminal: no bar, but the figures, which are those of the events.
  const auto plain = restore_tree({"--overwrite", "--json"});
  ASSERT_EQ(plain.status, 0) << plain.err;
  EXPECT_EQ(plain.err.find('\r'), std::string::npos) << plain.err;
  ASSERT_TRUE(std::regex_search(plain.err, found, last)) << plain.err;
  const json summary = events(plain.out).back();
  EXPECT_NEAR(std::stod(found[1]), summary["pictures_per_second"], 0.006);
  EXPECT_NEAR(std::stod(found[2]), summary["megapixels_per_second"], 0.06);
  EXPECT_NEAR(summary["pictures_per_second"].get<double>() * summary["seconds"].get<double>(), 10,
              1e-6);
  EXPECT_NEAR(summary["megapixels"], 6 * 0.72 + 4 * 0.0006, 1e-9);
}

TEST_F(RestoreMany, SeveralEnginesGiveTheSameFiles) {
  for (int i = 0; i < 16; ++i)
    image::write(folder_ / "in" / (std::to_string(i) + ".png"),
                 test::noise(3, 20 + i, 30, {.seed = 7}));
  const std::string one = folder_ / "one/";
  const std::string two = folder_ / "two/";
  ASSERT_EQ(restore({in_, "-o", one, "--engines", "1"}).status, 0);
  const auto result = restore({in_, "-o", two, "--engines", "3", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(events(result.out).back()["done"], 20);
  ASSERT_EQ(files_in(two), files_in(one));
  for (const std::string& name : files_in(one))
    EXPECT_EQ(read_file(one + name), read_file(two + name)) << name;
}

TEST_F(RestoreMany, TheSecondRunWritesNothing) {
  ASSERT_EQ(restore_tree().status, 0);
  EXPECT_EQ(restore_tree().status, 4);
  const auto before = fs::last_write_time(out_ + "/a.png");
  const auto again = restore_tree({"--skip-existing"});
  EXPECT_EQ(again.status, 0);
  EXPECT_NE(again.err.find("4 pictures exist already"), std::string::npos) << again.err;
  EXPECT_EQ(fs::last_write_time(out_ + "/a.png"), before);
  fs::remove(out_ + "/a.png");
  const auto one = events(restore_tree({"--skip-existing", "--json"}).out);
  EXPECT_EQ(counts(one)["restored"], 1);
  EXPECT_EQ(one.back()["existing"], 3);
  EXPECT_EQ(restore_tree({"--overwrite"}).status, 0);
  EXPECT_NE(fs::last_write_time(out_ + "/a.png"), before);
}

TEST_F(RestoreMany, SaysWhatItLeftAsideAndWhatHardlyChanged) {
  write_file_atomically(in_ + "/notes.txt", "no picture");
  const auto faint = restore_tree({"--strength", "0.015"});
  ASSERT_EQ(faint.status, 0) << faint.err;
  EXPECT_NE(
      faint.err.find("left aside in the folders, being hidden or no pictures by name: 1 entry"),
      std::string::npos)
      << faint.err;
  EXPECT_NE(faint.err.find("more were to be restored and have hardly changed"), std::string::npos)
      << faint.err;
  const auto full = events(restore_tree({"--overwrite", "--json"}).out);
  EXPECT_EQ(full.back()["hardly_changed"], 0);
  for (const json& event : full) {
    if (event["event"] == "restored") {
      EXPECT_GT(event["change_levels"], 0.5) << event;
    }
  }
}

TEST_F(RestoreMany, WhatTheBundleCannotDoIsSaidOnce) {
  const auto strict = restore_tree({"--guard", "strict"});
  EXPECT_EQ(strict.status, 2) << strict.err;
  EXPECT_NE(strict.err.find("it cannot guard strictly"), std::string::npos) << strict.err;
  const auto told = restore_tree({"--as", "rain(0.3)"});
  EXPECT_EQ(told.status, 2) << told.err;
  EXPECT_NE(told.err.find("it cannot be told what is wrong"), std::string::npos) << told.err;
  const auto empty = restore_tree({"--as", ""});
  EXPECT_EQ(empty.status, 2) << empty.err;
  EXPECT_NE(empty.err.find("no damage is stated"), std::string::npos) << empty.err;
}

TEST_F(RestoreMany, PatternsTemplatesAndFormats) {
  ASSERT_EQ(restore({in_ + "/a.p*", in_ + "/**/*.jpg", "-o", out_ + "/", "--name",
                     "{stem}_{bundle}.{ext}", "--format", "tiff"})
                .status,
            0);
  EXPECT_EQ(files_in(out_), (std::set<std::string>{"a_stack.tif", "b c/d_stack.tif"}));
  EXPECT_EQ(restore({in_ + "/a.png", "-o", folder_ / "fresh/"}).status, 0);
  EXPECT_TRUE(fs::exists(folder_ / "fresh/a.png"));
  EXPECT_EQ(restore({in_, folder_ / "positional"}).status, 0);
  EXPECT_EQ(files_in(folder_ / "positional"), all());
}

TEST_F(RestoreMany, SaysToHowManyQualityDoesNothing) {
  image::write(in_ + "/e.jpg", image::read(in_ + "/a.png"));
  const auto mixed = restore_tree({"--quality", "80", "--strength", "0"});
  ASSERT_EQ(mixed.status, 0) << mixed.err;
  EXPECT_NE(mixed.err.find("--quality is of JPEG and WebP; it does nothing to 2 of 5 files"),
            std::string::npos)
      << mixed.err;
  const auto jpegs =
      restore_tree({"--quality", "80", "--strength", "0", "--format", "jpeg", "--overwrite"});
  ASSERT_EQ(jpegs.status, 0) << jpegs.err;
  EXPECT_EQ(jpegs.err.find("--quality"), std::string::npos) << jpegs.err;
}

TEST_F(RestoreMany, ADryRunSaysAndDoesNothing) {
  write_file_atomically(in_ + "/notes.txt", std::string_view("no picture"));
  const auto text = restore_tree({"--dry-run"});
  EXPECT_EQ(text.status, 0);
  EXPECT_NE(text.err.find("left aside in the folders"), std::string::npos) << text.err;
  EXPECT_NE(text.out.find(in_ + "/a.png -> " + out_ + "/a.png\n"), std::string::npos) << text.out;
  EXPECT_EQ(counts(events(restore_tree({"--dry-run", "--json"}).out))["planned"], 4);

  fs::create_symlink("nowhere", in_ + "/lost.png");
  const auto lost = restore_tree({"--dry-run", "--json"});
  EXPECT_EQ(lost.status, 1) << lost.err;
  auto told = counts(events(lost.out));
  EXPECT_EQ(told["planned"], 4);
  EXPECT_EQ(told["failed"], 1);
  EXPECT_FALSE(fs::exists(out_));
}

TEST_F(RestoreMany, WhatCannotWorkIsRefusedBeforeTheStart) {
  const auto refused = [&](int status, const std::string& part, const Words& words) {
    const auto result = restore(words);
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_FALSE(fs::exists(out_));
  };
  refused(2, "where to", {in_});
  refused(2, "where to", {in_, in_, in_});
  refused(2, "name of one picture", {in_, "-o", folder_ / "x.png"});
  refused(2, "stands for one picture", {in_, "-", "-o", out_});
  refused(2, "contradict", {in_, "-o", out_, "--skip-existing", "--overwrite"});
  refused(2, "would both become", {in_ + "/a.png", in_ + "/b c", "-o", out_, "--name", "x.png"});
  refused(2, "no part of a whole", {in_, "-o", out_, "--shard", "4/3"});
  refused(2, "no array job", {in_, "-o", out_, "--shard", "auto"});
  refused(3, "nothing matches", {in_ + "/*.gif", "-o", out_});
  refused(3, "none.png", {in_, in_ + "/none.png", "-o", out_});
  refused(4, "lies inside", {in_, "-o", in_ + "/out"});
  refused(4, "/proc/out", {in_, "-o", "/proc/out"});
  refused(2, "for many pictures", {in_ + "/a.png", "-o", folder_ / "x.png", "--fail-fast"});
  refused(2, "for many pictures", {in_ + "/a.png", "-o", folder_ / "x.png", "--engines", "2"});
  refused(2, "got 65; expected 0 to 64", {in_, "-o", out_, "--engines", "65"});
  refused(2, "with one engine", {in_, "-o", out_, "--engines", "2", "--max-memory", "1G"});
  EXPECT_EQ(files_in(in_), all());
}

TEST_F(RestoreMany, OneBadPictureAmongGoodOnes) {
  write_file_atomically(folder_ / "in/b c/bad.png", std::string_view("no picture at all"));
  fs::create_symlink("nowhere", folder_ / "in/lost.png");
  const auto result = restore_tree({"--json"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(files_in(out_), all());
  const auto said = events(result.out);
  EXPECT_EQ(said.front()["event"], "plan");
  EXPECT_EQ(said.back()["event"], "summary");
  EXPECT_EQ(said.back()["done"], 4);
  EXPECT_EQ(said.back()["failed"], 2);
  EXPECT_EQ(said.back()["exit_status"], 1);
  EXPECT_EQ(counts(said)["failed"], 2);
  const auto summary = result.err.substr(result.err.find("2 pictures not done"));
  EXPECT_NE(summary.find("bad.png"), std::string::npos) << summary;
  EXPECT_NE(summary.find("lost.png: a link that leads nowhere"), std::string::npos) << summary;
  // Once, but for --verbose, which says what happens when it happens.
  const auto times = [](const std::string& text, const std::string& name) {
    std::size_t count = 0;
    for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) ++count;
    return count;
  };
  EXPECT_EQ(times(result.err, "/lost.png: "), 1U) << result.err;
  EXPECT_EQ(times(result.err, "/bad.png: "), 1U) << result.err;
  const auto wordy = restore_tree({"--overwrite", "--verbose"});
  EXPECT_EQ(times(wordy.err, "/lost.png: "), 2U) << wordy.err;
  EXPECT_EQ(times(wordy.err, "/bad.png: "), 2U) << wordy.err;

  fs::remove_all(out_);
  const auto fast = restore_tree({"--fail-fast", "--json", "--quiet"});
  EXPECT_EQ(fast.status, 1);
  EXPECT_EQ(events(fast.out).back()["stopped"], "the first failure ends the batch");
}

TEST_F(RestoreMany, ThePreparedGraphIsKeptForTheNextFolder) {
  const fs::path cache = folder_ / "cache";
  ::setenv("CHIARO_CACHE", cache.c_str(), 1);
  EXPECT_EQ(restore_tree({"--max-memory", "1G"}).status, 0);
  EXPECT_FALSE(fs::exists(cache));
  const auto bytes = [&] {
    std::vector<std::vector<std::byte>> all;
    for (const std::string& name : names_) all.push_back(read_file(fs::path(out_) / name));
    return all;
  };
  const auto limited = bytes();
  EXPECT_EQ(restore_tree({"--overwrite"}).status, 0);
  EXPECT_EQ(bytes(), limited);
  ASSERT_TRUE(fs::exists(cache));
  const auto kept = [&] {
    std::map<std::string, ino_t> files;
    for (const std::string& name : files_in(cache)) {
      struct stat facts {};
      ::stat((cache / name).c_str(), &facts);
      files[name] = facts.st_ino;
    }
    return files;
  };
  const auto first = kept();
  EXPECT_EQ(first.size(), 2U);  // the graph, and what is known of it
  EXPECT_EQ(restore_tree({"--overwrite"}).status, 0);
  EXPECT_EQ(bytes(), limited);
  EXPECT_EQ(kept(), first);  // read, not written anew
  ::unsetenv("CHIARO_CACHE");
}

TEST_F(RestoreMany, NotesSayWhichPictureTheyAreAbout) {
  fs::remove_all(folder_ / "in");
  fs::create_directories(folder_ / "in");
  image::Image clear = test::noise(3, 20, 30, {.seed = 3});
  clear.alpha.assign(20 * 30, 0.5F);
  for (const char* name : {"clear.png", "window.png"}) image::write(folder_ / "in" / name, clear);
  image::write(folder_ / "in/full.png", test::noise(3, 20, 30, {.seed = 4}));
  const auto result = restore_tree({"--format", "ppm"});
  EXPECT_EQ(result.status, 0) << result.err;
  for (const char* name : {"clear.png", "window.png"})
    EXPECT_NE(result.err.find(std::string("/in/") + name + ": ppm holds no transparency"),
              std::string::npos)
        << result.err;
}

TEST_F(RestoreMany, ShardsShareNothing) {
  for (int i = 0; i < 8; ++i)
    image::write(folder_ / "in" / (std::to_string(i) + ".png"), test::noise(1, 8, 8, {.seed = 50}));
  std::set<std::string> files;
  for (const char* index : {"4", "5", "6"}) {
    ::setenv("SLURM_ARRAY_TASK_ID", index, 1);
    ::setenv("SLURM_ARRAY_TASK_MIN", "4", 1);
    ::setenv("SLURM_ARRAY_TASK_COUNT", "3", 1);
    const auto said = events(restore_tree({"--shard", "auto", "--json", "--quiet"}).out);
    for (const json& event : said) {
      if (event["event"] != "restored") continue;
      // The name that is not UTF-8 is shown with a replacement, and is still one name.
      EXPECT_TRUE(files.insert(event["output"]).second) << event;
    }
  }
  for (const char* name : {"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_COUNT"})
    ::unsetenv(name);
  EXPECT_EQ(files.size(), 12U);
  EXPECT_EQ(files_in(out_).size(), 12U);
}

TEST_F(RestoreMany, GoesOnAfterBeingKilled) {
  for (int i = 0; i < 30; ++i)
    image::write(folder_ / "in" / (std::to_string(i) + ".png"),
                 test::noise(3, 300, 300, {.seed = 70U + static_cast<unsigned>(i)}));
  const Words how{"--skip-existing", "--threads", "1", "--tile", "48", "--json"};
  const auto done = [&] { return fs::exists(out_) ? files_in(out_).size() : 0; };
  for (const int signal : {SIGKILL, SIGINT}) {
    const std::size_t enough = done() + 3;
    Words words{CHIARO_PROGRAM, "restore", in_, "-o", out_};
    words.insert(words.end(), how.begin(), how.end());
    test::Process process(words);
    for (int i = 0; i < 1000 && done() < enough; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    process.signal(signal);
    const auto result = process.finish();
    EXPECT_EQ(result.status, 128 + signal) << result.err;
    EXPECT_EQ(result.exited, signal == SIGINT);
    if (signal != SIGINT) continue;
    const auto said = events(result.out);
    ASSERT_FALSE(said.empty());
    EXPECT_EQ(said.back()["stopped"], "interrupted");
  }
  // What a killed run may leave.
  write_file_atomically(out_ + "/7.png.aB3dEf.part", std::string_view("half"));
  const auto before = files_in(out_);
  std::size_t whole = 0;
  for (const std::string& name : before) whole += name.ends_with(".part") ? 0 : 1;
  ASSERT_LT(whole, 34U);
  ASSERT_GE(whole, 3U);
  const auto rest = restore_tree(how);
  ASSERT_EQ(rest.status, 0) << rest.err;
  EXPECT_EQ(static_cast<std::size_t>(counts(events(rest.out))["restored"]), 34 - whole);

  // The same files as those of a run that nobody disturbed, byte by byte.
  const std::string undisturbed = folder_ / "undisturbed";
  Words words{in_, "-o", undisturbed};
  words.insert(words.end(), how.begin(), how.end());
  const auto at_once = restore(words);
  ASSERT_EQ(at_once.status, 0) << at_once.err;
  ASSERT_EQ(files_in(undisturbed).size(), 34U);
  ASSERT_EQ(files_in(out_), files_in(undisturbed));
  for (const std::string& name : files_in(undisturbed))
    EXPECT_EQ(read_file(out_ + "/" + name), read_file(undisturbed + "/" + name)) << name;
}

TEST_F(RestoreMany, AFullDiskStopsAndLeavesWholeFiles) {
  fs::create_directory(out_);
  if (::mount("tmpfs", out_.c_str(), "tmpfs", 0, "size=64k") != 0)
    GTEST_SKIP() << "needs the right to mount";
  for (int i = 0; i < 12; ++i)
    image::write(folder_ / "in" / (std::to_string(i) + ".ppm"),
                 test::noise(3, 50, 100, {.seed = 5}));
  const auto result = restore_tree({"--json"});
  EXPECT_EQ(result.status, 4);
  const auto last = events(result.out).back();
  EXPECT_EQ(last["stopped"], "the disk is full");
  EXPECT_GT(last["done"], 0);
  EXPECT_GT(last["not_begun"], 0);
  for (const std::string& name : files_in(out_))
    EXPECT_GT(image::read(out_ + "/" + name).width(), 0) << name;
  EXPECT_EQ(files_in(out_).size(), last["done"]);
  ::umount(out_.c_str());
}

TEST_F(RestoreMany, AReadOnlyTargetIsRefused) {
  fs::create_directory(out_);
  if (::mount("tmpfs", out_.c_str(), "tmpfs", MS_RDONLY, nullptr) != 0)
    GTEST_SKIP() << "needs the right to mount";
  const auto result = restore_tree();
  ::umount(out_.c_str());
  EXPECT_EQ(result.status, 4);
  EXPECT_NE(result.err.find("cannot write into"), std::string::npos) << result.err;
}

TEST_F(RestoreMany, MemoryStaysUnderItsCeiling) {
  CHIARO_SKIP_WHERE_SANITIZED();
  for (int i = 0; i < 3; ++i)
    image::write(folder_ / "in" / (std::to_string(i) + ".ppm"),
                 test::noise(3, 1000, 1500, {.seed = 5}));
  const auto result = restore_tree({"--max-memory", "300M", "--json", "--threads", "1"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_LT(events(result.out).back()["peak_resident_bytes"], 300 << 20);
  // Said before the first picture, and kept.
  const double forecast = events(result.out).front()["predicted_peak_bytes"];
  EXPECT_LT(forecast, 300 << 20);
  EXPECT_LT(events(result.out).back()["peak_resident_bytes"], 1.02 * forecast);
  const auto told = restore_tree({"--max-memory", "300M", "--overwrite"});
  EXPECT_LT(told.err.find("resident at the peak"), told.err.find("pictures restored")) << told.err;
}

/// Held as a whole, it would leave the network a third of the memory and less.
TEST_F(RestoreMany, APictureThatLeavesTheNetworkLittleGoesInStrips) {
  CHIARO_SKIP_WHERE_SANITIZED();
  const std::string picture = folder_ / "large.ppm";
  image::write(picture, test::noise(3, 2000, 2500, {.seed = 6}));
  const auto limited = restore({picture, in_ + "/a.png", "-o", folder_ / "limited", "--max-memory",
                                "300M", "--json", "--threads", "1"});
  ASSERT_EQ(limited.status, 0) << limited.err;
  for (const json& event : events(limited.out)) {
    if (event["event"] != "restored") continue;
    EXPECT_EQ(event["in_strips"], event["file"] == picture) << event;
  }
  EXPECT_LT(events(limited.out).back()["peak_resident_bytes"], 300 << 20);
  ASSERT_EQ(restore({picture, in_ + "/a.png", "-o", folder_ / "free"}).status, 0);
  EXPECT_EQ(read_file(folder_ / "limited/large.ppm"), read_file(folder_ / "free/large.ppm"));
}

}  // namespace
}  // namespace chiaro::restore_many_test
