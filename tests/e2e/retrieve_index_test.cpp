// `chiaro retrieve` and the codes it keeps between calls.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/image/codec.h"
#include "tests/support/encoder_bundle.h"
#include "tests/support/events.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::retrieve_index_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Four pictures of different means, an encoder with both parts, and a cache of this test's own.
class RetrieveIndex : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_ / "photos/below");
    write_encoder("encoder", {{"content", 1, true}, {"degradation", 1, false}});
    write_encoder("other", {{"content", 2, true}});
    write("a.png", 0.3F);
    write("b.png", 0.4F);
    write("below/c.png", 0.6F);
    write("d.png", 0.8F);
    ::setenv("CHIARO_CACHE", (folder_ / "cache").c_str(), 1);
  }
  void TearDown() override { ::unsetenv("CHIARO_CACHE"); }

  void write_encoder(const std::string& name, const std::vector<bundle::CodePart>& parts) {
    bundle::Bundle encoder = test::code_bundle(parts);
    encoder.manifest.name = name;
    bundle::write_bundle(folder_ / (name + ".chiaro"), encoder.manifest, encoder.members);
  }

  void write(const std::string& name, float mean) {
    image::write(folder_ / ("photos/" + name), image::Image(3, 32, 32, mean));
  }

  std::vector<std::string> words(std::vector<std::string> more = {}) const {
    std::vector<std::string> all = {CHIARO_PROGRAM,
                                    "retrieve",
                                    photos_ / "a.png",
                                    "--in",
                                    photos_,
                                    "--by",
                                    by_,
                                    "--bundle",
                                    (folder_ / (bundle_ + ".chiaro")).string()};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  test::ProcessResult retrieve(const std::vector<std::string>& more = {}) const {
    return test::run_process(words(more));
  }

  /// The event of that name of a call that ends with `status`.
  json summary(std::vector<std::string> more = {}, int status = 0) const {
    more.emplace_back("--json");
    const auto result = retrieve(more);
    EXPECT_EQ(result.status, status) << result.err;
    const auto all = test::events(result.out);
    const auto found =
        std::ranges::find_if(all, [](const json& event) { return event["event"] == "summary"; });
    return found == all.end() ? json::object() : *found;
  }
  void expect_coded(const json& summary, int computed, int from_index) const {
    EXPECT_EQ(summary["computed"], computed) << summary;
    EXPECT_EQ(summary["from_index"], from_index) << summary;
  }

  /// Other bytes under the same size and time.
  void spoil(const fs::path& file) const {
    struct stat before {};
    ASSERT_EQ(::stat(file.c_str(), &before), 0);
    std::fstream(file, std::ios::in | std::ios::out | std::ios::binary) << "no picture any more";
    const std::array<timespec, 2> times{before.st_atim, before.st_mtim};
    ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), times.data(), 0), 0);
  }

  std::vector<fs::path> kept() const {
    std::vector<fs::path> files;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder_ / "cache/codes", none))
      files.push_back(entry.path());
    return files;
  }

  test::TemporaryFolder folder_;
  fs::path photos_ = folder_ / "photos";
  std::string bundle_ = "encoder";
  std::string by_ = "content";
};

TEST_F(RetrieveIndex, TheSecondCallComputesNothing) {
  const auto first = retrieve();
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_NE(first.err.find("computed the codes of 4 pictures"), std::string::npos) << first.err;
  ASSERT_EQ(kept().size(), 1U);
  EXPECT_EQ(fs::status(folder_ / "cache/codes").permissions() & fs::perms::all,
            fs::perms::owner_all);
  const auto bytes = read_file(kept()[0]);
  const auto without = retrieve({"--no-index"});
  for (const char* name : {"a.png", "b.png", "below/c.png", "d.png"}) spoil(photos_ / name);
  const auto second = retrieve();
  EXPECT_EQ(second.status, 0) << second.err;
  EXPECT_EQ(second.err, "");
  EXPECT_EQ(second.out, first.out);
  EXPECT_EQ(second.out, without.out);
  expect_coded(summary(), 0, 4);
  EXPECT_EQ(summary()["index"], kept()[0].string());
  by_ = "degradation";  // computed beside the other
  expect_coded(summary(), 0, 4);
  EXPECT_EQ(read_file(kept()[0]), bytes);
  EXPECT_EQ(retrieve({"--no-index"}).status, 3);
}

TEST_F(RetrieveIndex, OnlyWhatIsNewOrChangedIsComputed) {
  expect_coded(summary(), 4, 0);
  write("below/c.png", 0.2F);
  json changed = summary();
  expect_coded(changed, 1, 3);
  EXPECT_EQ(changed["outdated"], 1);
  EXPECT_EQ(changed["compared"], 3);
  write("e.png", 0.9F);
  fs::remove(photos_ / "b.png");
  changed = summary();
  expect_coded(changed, 1, 3);
  EXPECT_EQ(changed["outdated"], 1);
  EXPECT_EQ(changed["compared"], 3);
  expect_coded(summary(), 0, 4);
  EXPECT_EQ(retrieve().out, retrieve({"--no-index"}).out);
  EXPECT_EQ(retrieve().out.find("b.png"), std::string::npos);
  EXPECT_EQ(kept().size(), 1U);
}

TEST_F(RetrieveIndex, PicturesThatCannotBeReadAreNamedOnce) {
  write_file_atomically(photos_ / "broken.png", "no picture");
  const auto first = retrieve();
  EXPECT_EQ(first.status, 1);
  EXPECT_NE(first.err.find("broken.png"), std::string::npos) << first.err;
  const auto second = retrieve();
  EXPECT_EQ(second.status, 1);
  EXPECT_EQ(second.err.find("broken.png"), std::string::npos) << second.err;
  EXPECT_NE(second.err.find("1 of 5 pictures cannot be read"), std::string::npos) << second.err;
  EXPECT_EQ(second.out, first.out);
  EXPECT_NE(retrieve({"-v"}).err.find("broken.png"), std::string::npos);
  const auto events = test::events(retrieve({"--json"}).out);
  ASSERT_EQ(events.size(), 6U);  // failed, three found, summary, error
  EXPECT_EQ(events[0]["event"], "failed");
  EXPECT_EQ(events[0]["file"], (photos_ / "broken.png").string());
  EXPECT_EQ(events[0]["remembered"], true);
  EXPECT_EQ(events[4]["failed"], 1);
  EXPECT_EQ(events[4]["remembered"], 1);
  write("broken.png", 0.5F);
  expect_coded(summary(), 1, 4);
}

TEST_F(RetrieveIndex, OtherBundlesHaveOtherCodes) {
  expect_coded(summary(), 4, 0);
  bundle_ = "other";
  expect_coded(summary(), 4, 0);
  EXPECT_EQ(kept().size(), 2U);
  bundle_ = "encoder";
  expect_coded(summary(), 0, 4);
}

TEST_F(RetrieveIndex, AMovedFolderTakesItsCodesAlong) {
  expect_coded(summary(), 4, 0);
  fs::rename(photos_, folder_ / "pictures");
  photos_ = folder_ / "pictures";
  expect_coded(summary(), 0, 4);
  EXPECT_EQ(kept().size(), 2U);
  fs::remove_all(folder_ / "photos");
  fs::copy(photos_, folder_ / "photos", fs::copy_options::recursive);
  photos_ = folder_ / "photos";  // made anew: what was kept has other times
  EXPECT_EQ(summary()["outdated"], 4);
}

TEST_F(RetrieveIndex, DamageInTheCacheCostsANote) {
  expect_coded(summary(), 4, 0);
  const auto good = read_file(kept()[0]);
  for (const std::size_t size : {std::size_t{0}, good.size() / 2, good.size() - 1}) {
    fs::resize_file(kept()[0], size);
    const auto result = retrieve();
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_NE(result.err.find("computed anew"), std::string::npos) << result.err;
    EXPECT_EQ(read_file(kept()[0]), good);
  }
}

TEST_F(RetrieveIndex, TheCacheIsBounded) {
  expect_coded(summary(), 4, 0);
  const fs::path own = kept().at(0);
  const auto put = [&](const std::string& name, std::uintmax_t bytes, int hours) {
    const fs::path file = folder_ / ("cache/codes/" + name);
    std::ofstream(file).put('x');
    fs::resize_file(file, bytes);  // a hole: no room is taken
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(hours));
    return file;
  };
  constexpr std::uintmax_t kLarge = std::uintmax_t{700} << 20;
  const fs::path oldest = put("00000000000000a0.codes", kLarge, 3);
  const fs::path newer = put("00000000000000b0.codes", kLarge, 1);
  const fs::path abandoned = put("00000000000000c0.codes.123456.part", 10, 30);
  const fs::path begun = put("00000000000000d0.codes.123456.part", 10, 1);
  const fs::path foreign = put("letter.txt", kLarge, 100);
  write("e.png", 0.5F);
  expect_coded(summary(), 1, 4);
  EXPECT_FALSE(fs::exists(oldest));
  EXPECT_FALSE(fs::exists(abandoned));
  for (const fs::path& file : {own, newer, begun, foreign}) EXPECT_TRUE(fs::exists(file)) << file;
}

TEST_F(RetrieveIndex, WithoutAPlaceOfOnesOwnNothingIsKept) {
  ::setenv("CHIARO_CACHE", "off", 1);
  expect_coded(summary(), 4, 0);
  EXPECT_EQ(summary()["index"], "");
  ::setenv("CHIARO_CACHE", (folder_ / "cache").c_str(), 1);
  EXPECT_EQ(summary({"--no-index"})["index"], "");
  EXPECT_FALSE(fs::exists(folder_ / "cache"));
  fs::create_directories(folder_ / "cache/codes");
  fs::permissions(folder_ / "cache/codes", fs::perms::all);
  const auto result = retrieve();
  EXPECT_EQ(result.status, 0);
  EXPECT_NE(result.err.find("codes are not kept"), std::string::npos) << result.err;
  EXPECT_TRUE(kept().empty());
  ::setenv("CHIARO_CACHE", "/proc/nowhere", 1);
  const auto nowhere = retrieve();
  EXPECT_EQ(nowhere.status, 0);
  EXPECT_NE(nowhere.err.find("codes are not kept"), std::string::npos) << nowhere.err;
}

TEST_F(RetrieveIndex, ANamedFileIsKeptWhereItIs) {
  const std::string file = folder_ / "photos.codes";
  const std::vector<std::string> named{"--index", file};
  expect_coded(summary(named), 4, 0);
  EXPECT_TRUE(kept().empty());
  expect_coded(summary(named), 0, 4);
  fs::rename(photos_, folder_ / "moved");
  photos_ = folder_ / "moved";
  expect_coded(summary(named), 0, 4);

  const auto bytes = read_file(file);
  const auto refused = [&](const std::vector<std::string>& more, int status,
                           const std::string& part) {
    const auto result = retrieve(more);
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(read_file(file), bytes);
  };
  bundle_ = "other";
  refused(named, 5, "another encoder");
  bundle_ = "encoder";
  refused({"--index", file, "--no-index"}, 2, "--no-index");
  refused({"--index", photos_ / "d.png"}, 2, "name of a picture");
  refused({"--index", folder_ / "nowhere/x.codes"}, 4, "does not exist");
  refused({"--index", photos_}, 4, "is a folder");
  write_file_atomically(folder_ / "letter.txt", "dear reader");
  refused({"--index", folder_ / "letter.txt"}, 3, "damaged or no index of codes");
  EXPECT_EQ(read_text(folder_ / "letter.txt"), "dear reader");
  // Of another folder, which is there, or of which nothing is here.
  fs::create_directories(folder_ / "photos");
  write("a.png", 0.3F);
  write("z.png", 0.4F);
  photos_ = folder_ / "photos";
  refused(named, 2, "holds the codes of the folder");
  fs::rename(folder_ / "moved", folder_ / "moved again");
  refused(named, 2, "holds the codes of the folder");
}

TEST_F(RetrieveIndex, SeveralQueriesInOneCall) {
  const auto result = test::run_process({CHIARO_PROGRAM, "retrieve", photos_ / "a.png",
                                         photos_ / "d.png", "--in", photos_, "--by", "content",
                                         "--bundle", folder_ / "encoder.chiaro", "--top", "1"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.out.find("a.png:\nrank"), std::string::npos) << result.out;
  const auto of_a = result.out.find("/b.png\n");
  const auto of_d = result.out.find("/below/c.png\n");
  EXPECT_LT(of_a, result.out.find("d.png:\n"));
  EXPECT_GT(of_d, result.out.find("d.png:\n"));
  EXPECT_NE(of_d, std::string::npos);
  const auto events = test::events(retrieve({photos_ / "d.png", "--json"}).out);
  ASSERT_EQ(events.size(), 7U);
  EXPECT_EQ(events[0]["query"], (photos_ / "a.png").string());
  EXPECT_EQ(events[5]["query"], (photos_ / "d.png").string());
  EXPECT_EQ(events[6]["queries"], 2);
  EXPECT_EQ(events[6]["compared"], 6);
}

TEST_F(RetrieveIndex, TwoCallsAtOnceLeaveAWholeFile) {
  for (int round = 0; round < 3; ++round) {
    fs::remove_all(folder_ / "cache");
    test::Process one(words());
    test::Process other(words());
    EXPECT_EQ(one.finish().status, 0);
    EXPECT_EQ(other.finish().status, 0);
    expect_coded(summary(), 0, 4);
    EXPECT_EQ(kept().size(), 1U);
  }
}

/// In a shell where files cannot grow; what is said on both streams goes into `said`.
int status_without_room(const std::vector<std::string>& words, std::string& said) {
  std::string command = "ulimit -f 0; trap '' XFSZ; exec 2>&1; exec";
  for (const std::string& word : words) command += " '" + word + "'";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return -1;
  std::array<char, 4096> line{};
  while (std::fgets(line.data(), line.size(), pipe) != nullptr) said += line.data();
  const int state = ::pclose(pipe);
  return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

TEST_F(RetrieveIndex, AFullDiskCostsTheIndexAndNotTheRanking) {
  std::string said;
  EXPECT_EQ(status_without_room(words({"--index", folder_ / "photos.codes"}), said), 4);
  EXPECT_NE(said.find("/b.png\n"), std::string::npos) << said;
  EXPECT_NE(said.find("cannot write"), std::string::npos) << said;
  EXPECT_FALSE(fs::exists(folder_ / "photos.codes"));
  said.clear();
  EXPECT_EQ(status_without_room(words(), said), 0);
  EXPECT_NE(said.find("codes are not kept"), std::string::npos) << said;
  EXPECT_NE(said.find("/b.png\n"), std::string::npos) << said;
  EXPECT_TRUE(kept().empty());
}

/// Starts the program, waits for its first event (a picture that cannot be read) and a moment
/// longer, and interrupts it. Returns its exit status.
int interrupted_status(const std::vector<std::string>& words, std::string& said) {
  std::string command = "echo $$; exec 2>&1";
  command += "; exec";
  for (const std::string& word : words) command += " '" + word + "'";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return -1;
  std::array<char, 4096> line{};
  int process = 0;
  bool sent = false;
  while (std::fgets(line.data(), line.size(), pipe) != nullptr) {
    said += line.data();
    if (process == 0) process = std::atoi(line.data());
    if (sent || said.find("\"failed\"") == std::string::npos) continue;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    ::kill(process, SIGINT);
    sent = true;
  }
  const int state = ::pclose(pipe);
  return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

TEST_F(RetrieveIndex, AnInterruptedCallKeepsWhatItHas) {
  write_file_atomically(photos_ / "aa.png", "no picture");
  image::Image noisy(3, 800, 800);
  for (std::size_t i = 0; i < noisy.pixels().size(); ++i)
    noisy.pixels()[i] = static_cast<float>(i * 2654435761U % 251) / 251;
  image::write(photos_ / "x.png", noisy);
  for (int i = 0; i < 120; ++i)
    fs::copy_file(photos_ / "x.png", photos_ / ("x" + std::to_string(i) + ".png"));
  std::string said;
  const auto call = words({"--json", "--threads", "1"});
  ASSERT_EQ(interrupted_status(call, said), 130) << said;
  EXPECT_NE(said.find("126 pictures is kept in"), std::string::npos) << said;
  const json rest = summary({}, 1);
  EXPECT_GT(rest["from_index"], 0);
  EXPECT_GT(rest["computed"], 0);
  EXPECT_EQ(rest["from_index"].get<int>() + rest["computed"].get<int>(), 125);
  EXPECT_EQ(rest["remembered"], 1);
}

}  // namespace
}  // namespace chiaro::retrieve_index_test
