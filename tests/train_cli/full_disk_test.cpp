// A disk that fills up while a training or a freezing writes.
#include <sys/mount.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "chiaro/base/files.h"
#include "chiaro/checkpoint/run_folder.h"
#include "tests/train_cli/tiny_training.h"

namespace chiaro::full_disk_test {
namespace {

namespace fs = std::filesystem;

/// A limit on the size of files, which fails a write as a full disk does; processes that are
/// started meanwhile inherit it.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit small = before_;
    small.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

class FullDisk : public test::TinyTraining {
 protected:
  int run_limited(rlim_t bytes, const std::vector<std::string>& arguments) {
    const FileSizeLimit limit(bytes);
    return run(arguments);
  }

  void expect_one_sentence(const std::string& part) const {
    const auto at = log().find("error: ");
    ASSERT_NE(at, std::string::npos) << log();
    const std::string sentence = log().substr(at);
    EXPECT_EQ(std::ranges::count(sentence, '\n'), 1) << sentence;
    EXPECT_NE(sentence.find(part), std::string::npos) << sentence;
  }

  /// Files that a writer left unfinished below a folder.
  static std::vector<std::string> unfinished(const fs::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.path().extension() == ".part") names.push_back(entry.path().string());
    }
    return names;
  }
  using Names = std::vector<std::string>;
};

TEST_F(FullDisk, TheFirstCheckpointLeavesNothingHalfWritten) {
  const std::vector<std::string> call{"train", path("recipe.toml"), "--out", path("run"),
                                      "--set", "train.steps=7"};
  EXPECT_EQ(run_limited(8192, call), 4) << log();
  expect_one_sentence("step_000000.safetensors");
  EXPECT_TRUE(checkpoint::list_checkpoints(folder_ / "run").empty());
  EXPECT_EQ(unfinished(folder_ / "run"), Names{});
  EXPECT_EQ(run(call), 0) << log();
}

TEST_F(FullDisk, ALaterCheckpointLeavesTheEarlierOnes) {
  const std::vector<std::string> settings{"train.steps=21", "network.channels=[16,32]"};
  ASSERT_EQ(train("straight", settings), 0) << log();
  const fs::path run_folder = folder_ / "run";
  fs::create_directory(run_folder);
  const auto straight = checkpoint::list_checkpoints(folder_ / "straight");
  const auto size = fs::file_size(straight.back().second);
  const auto room = fmt::format("size={}", 5 * size / 2 + 65536);  // two, and what is beside them
  if (::mount("tmpfs", run_folder.c_str(), "tmpfs", 0, room.c_str()) != 0)
    GTEST_SKIP() << "needs the right to mount";
  const int status = train("run", settings);
  const std::string said = log();
  const auto left = checkpoint::list_checkpoints(run_folder);
  const Names parts = unfinished(run_folder);
  ::mount("tmpfs", run_folder.c_str(), "tmpfs", MS_REMOUNT, "size=32m");
  const int again = train("run", settings, {"--resume"});
  const auto ended = checkpoint::list_checkpoints(run_folder);
  const bool same =
      !ended.empty() && read_text(ended.back().second) == read_text(straight.back().second);
  ::umount(run_folder.c_str());
  EXPECT_EQ(status, 4) << said;
  EXPECT_NE(said.find("No space left"), std::string::npos) << said;
  ASSERT_FALSE(left.empty());
  EXPECT_EQ(left.back().first, 14);
  EXPECT_EQ(parts, Names{});
  EXPECT_EQ(again, 0) << log();
  EXPECT_TRUE(same);
}

TEST_F(FullDisk, TheLogStaysWhatItWas) {
  ASSERT_EQ(train("run", {"train.steps=14"}, {"--stop-after", "7"}), 0) << log();
  const fs::path losses = folder_ / "run" / "losses.csv";
  const auto rows = read_text(losses);
  std::ofstream more(losses, std::ios::app);
  const auto checkpoint = checkpoint::list_checkpoints(folder_ / "run").back().second;
  for (std::uintmax_t bytes = 0; bytes < 2 * fs::file_size(checkpoint); bytes += 100)
    more << "5," << std::string(97, '1') << "\n";
  more.close();
  const auto before = read_text(losses);
  const std::vector<std::string> call{"train", "--resume", "--out", path("run")};
  EXPECT_EQ(run_limited(fs::file_size(checkpoint) + 4096, call), 4) << log();
  expect_one_sentence("losses.csv");
  EXPECT_TRUE(read_text(losses) == before);
  EXPECT_EQ(unfinished(folder_ / "run"), Names{});
  EXPECT_EQ(run(call), 0) << log();
}

TEST_F(FullDisk, ABundleIsWholeOrNotThere) {
  ASSERT_EQ(train("run", {"train.steps=2"}), 0) << log();
  fs::create_directory(folder_ / "bundles");
  const std::vector<std::string> call{
      "freeze", path("run"), "-o", path("bundles/tiny.chiaro"), "--certify", "0", "--overwrite"};
  EXPECT_EQ(run_limited(4096, call), 4) << log();
  expect_one_sentence("tiny.chiaro");
  EXPECT_TRUE(fs::is_empty(folder_ / "bundles"));
  // What was there before stays.
  ASSERT_EQ(run(call), 0) << log();
  const auto before = read_text(folder_ / "bundles" / "tiny.chiaro");
  EXPECT_EQ(run_limited(4096, call), 4) << log();
  EXPECT_TRUE(read_text(folder_ / "bundles" / "tiny.chiaro") == before);
  EXPECT_EQ(unfinished(folder_ / "bundles"), Names{});
}

}  // namespace
}  // namespace chiaro::full_disk_test
