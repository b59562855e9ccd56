#include "chiaro/base/files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "chiaro/base/write_error.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace {

std::atomic<int> umasks_set = 0;

}  // namespace

/// In the place of the system's, to count its calls: what other threads make between two of them
/// has the wrong permissions.
extern "C" mode_t umask(mode_t mask) noexcept {
  ++umasks_set;
  return static_cast<mode_t>(::syscall(SYS_umask, mask));
}

namespace chiaro::files_test {
namespace {

namespace fs = std::filesystem;

std::size_t files_in(const fs::path& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(Files, WritesAndReads) {
  const test::TemporaryFolder folder;
  write_file_atomically(folder / "a", "old");
  write_file_atomically(folder / "a", "new text");
  EXPECT_EQ(read_text(folder / "a"), "new text");
  EXPECT_EQ(files_in(folder.path()), 1U);
}

TEST(Files, SaysWhatCannotBeReadOrWritten) {
  const test::TemporaryFolder folder;
  EXPECT_CHIARO_ERROR(read_file(folder / "missing"), Input, "missing");
  EXPECT_CHIARO_ERROR(read_file(folder.path()), Input, "folder");
  write_file_atomically(folder / "a", "four");
  EXPECT_CHIARO_ERROR(read_file(folder / "a", 3), Input, "too large");
  EXPECT_CHIARO_ERROR(write_file_atomically(folder / "no/such/folder", "x"), Output,
                      "no/such/folder");
  EXPECT_CHIARO_ERROR(write_file_atomically(folder.path(), "x"), Output, "cannot write");
  EXPECT_EQ(files_in(folder.path()), 1U);
}

TEST(Files, APipeIsReadToItsEnd) {
  const test::TemporaryFolder folder;
  const auto pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const std::string text(200'000, 'x');
  const auto read_with = [&](std::size_t most) {
    std::thread writer([&] { std::ofstream(pipe) << text; });
    try {
      const auto bytes = read_file(pipe, most);
      writer.join();
      return bytes.size();
    } catch (...) {
      writer.join();
      throw;
    }
  };
  std::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(read_with(1 << 20), text.size());
  EXPECT_CHIARO_ERROR(read_with(1000), Input, "too large");
}

TEST(Files, ADeviceStaysADevice) {
  write_file_atomically("/dev/null", "gone");
  EXPECT_CHIARO_ERROR(write_file_atomically("/dev/full", "x"), Output, "No space left");
  struct stat status {};
  ASSERT_EQ(::stat("/dev/full", &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode));
}

TEST(Files, AFailedWriteSaysWhetherTheDiskIsFull) {
  const auto cause = [](const fs::path& path) {
    try {
      write_file_atomically(path, "x");
      ADD_FAILURE() << path << " was written";
    } catch (const WriteError& error) {
      EXPECT_EQ(error.code(), ErrorCode::Output);
      return std::pair(error.cause(), error.disk_full());
    }
    return std::pair(std::error_code(), false);
  };
  const test::TemporaryFolder folder;
  EXPECT_EQ(cause("/dev/full"),
            std::pair(std::make_error_code(std::errc::no_space_on_device), true));
  EXPECT_EQ(cause(folder / "missing/a"),
            std::pair(std::make_error_code(std::errc::no_such_file_or_directory), false));
  EXPECT_TRUE(WriteError("quota", {EDQUOT, std::generic_category()}).disk_full());
}

TEST(Files, ALinkStaysALink) {
  const test::TemporaryFolder folder;
  write_file_atomically(folder / "target", "old");
  fs::create_symlink("target", folder / "link");
  write_file_atomically(folder / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(read_text(folder / "target"), "new");
}

TEST(Files, AFullDiskLeavesTheOldFile) {
  const test::TemporaryFolder folder;
  write_file_atomically(folder / "a", "old");
  // A limit on the size of files stands for a disk that fills up during writing.
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small { 4096, before.rlim_max };
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_CHIARO_ERROR(write_file_atomically(folder / "a", std::string(10000, 'x')), Output,
                      "cannot write");
  EXPECT_CHIARO_ERROR(write_file_atomically(folder / "b", std::string(10000, 'x')), Output,
                      "cannot write");
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(read_text(folder / "a"), "old");
  EXPECT_EQ(files_in(folder.path()), 1U);
}

TEST(ExpectWritable, TakesWhatCanBeWritten) {
  const test::TemporaryFolder folder;
  expect_writable(folder / "new", false);
  expect_writable("new_file_beside_the_tests", false);
  EXPECT_EQ(files_in(folder.path()), 0U);  // nothing was tried out
  write_file_atomically(folder / "old", "x");
  expect_writable(folder / "old", true);
  expect_writable(folder / "old", true, folder / "other");
  expect_writable("/dev/null", true);
  fs::create_symlink("nothing", folder / "link");
  expect_writable(folder / "link", true);
}

TEST(ExpectWritable, RefusesWhatMustNotBe) {
  const test::TemporaryFolder folder;
  const fs::path old = folder / "old";
  write_file_atomically(old, "x");
  fs::create_symlink("nothing", folder / "link");
  fs::create_symlink("old", folder / "other name");
  EXPECT_CHIARO_ERROR(expect_writable(folder / "no" / "a", true), Output, "does not exist");
  EXPECT_CHIARO_ERROR(expect_writable(old / "a", true), Output, "does not exist");
  EXPECT_CHIARO_ERROR(expect_writable(folder.path(), true), Output, "is a folder");
  EXPECT_CHIARO_ERROR(expect_writable(old, false), Output, "exists already; --overwrite replaces");
  EXPECT_CHIARO_ERROR(expect_writable(old, false, {}, "force"), Output, "force replaces it");
  EXPECT_CHIARO_ERROR(expect_writable(folder / "link", false), Output, "exists already");
  EXPECT_CHIARO_ERROR(expect_writable("/dev/null", false), Output, "exists already");
  EXPECT_CHIARO_ERROR(expect_writable(old, true, old), Output, "the input itself");
  EXPECT_CHIARO_ERROR(expect_writable(folder / "other name", true, old), Output,
                      "the input itself");
}

// Who may write everywhere still may not into a file system that is read only.
TEST(ExpectWritable, RefusesFoldersThatCannotBeWrittenInto) {
  const test::TemporaryFolder folder;
  fs::create_directory(folder / "locked");
  fs::permissions(folder / "locked", fs::perms::owner_read | fs::perms::owner_exec);
  const std::string locked = ::geteuid() != 0 ? folder / "locked" : "/proc/sys";
  if (::access(locked.c_str(), W_OK) == 0) GTEST_SKIP() << "every folder can be written into here";
  EXPECT_CHIARO_ERROR(expect_writable(locked + "/a", false), Output, "is not writable");
}

TEST(Files, EveryByteSurvives) {
  const test::TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 100000; ++i) text.push_back(static_cast<char>(i % 256));
  write_file_atomically(folder / "a", text);
  EXPECT_EQ(read_text(folder / "a"), text);
  EXPECT_EQ(read_file(folder / "a", text.size()).size(), text.size());
  EXPECT_CHIARO_ERROR(read_file(folder / "a", text.size() - 1), Input, "too large");
  write_file_atomically(folder / "empty", "");
  EXPECT_EQ(read_text(folder / "empty"), "");
}

mode_t mode_of(const fs::path& file) {
  struct stat status {};
  EXPECT_EQ(::stat(file.c_str(), &status), 0);
  return status.st_mode & 0777;
}

TEST(Files, NewFilesHaveTheUsersMode) {
  const test::TemporaryFolder folder;
  const mode_t before = ::umask(027);
  const int set = umasks_set;
  write_file_atomically(folder / "a", "x");
  EXPECT_EQ(umasks_set, set);
  ::umask(before);
  EXPECT_EQ(mode_of(folder / "a"), 0640U);
}

TEST(Files, AFileThatReplacesAnotherHasItsPermissions) {
  const test::TemporaryFolder folder;
  for (const mode_t mode : {0600U, 0444U, 0666U}) {
    write_file_atomically(folder / "a", "old");
    ASSERT_EQ(::chmod((folder / "a").c_str(), mode), 0);
    AtomicFile file(folder / "a");
    EXPECT_EQ(mode_of(file.temporary_name()) & 0077 & ~mode, 0U);  // nor while it is written
    file.commit();
    EXPECT_EQ(mode_of(folder / "a"), mode);
  }
}

TEST(Files, WhatHasAppearedMeanwhileIsKept) {
  const test::TemporaryFolder folder;
  AtomicFile file(folder / "a", Existing::Kept);
  write_file_atomically(folder / "a", "mine");
  EXPECT_CHIARO_ERROR(file.commit(), Output, "has appeared meanwhile");
  EXPECT_CHIARO_ERROR(
      write_file_atomically(folder / "a", std::as_bytes(std::span("x")), Existing::Kept), Output,
      "is not replaced");
  EXPECT_EQ(read_text(folder / "a"), "mine");
  write_file_atomically(folder / "b", std::as_bytes(std::span("x", 1)), Existing::Kept);
  EXPECT_EQ(read_text(folder / "b"), "x");
}

TEST(Files, SeveralMayBeWrittenUnderOneName) {
  const test::TemporaryFolder folder;
  AtomicFile first(folder / "a");
  AtomicFile second(folder / "a");
  EXPECT_NE(first.temporary_name(), second.temporary_name());
  EXPECT_EQ(first.temporary_name().string().size(), (folder / "a").string().size() + 12);
  first.commit();
  second.commit();
  EXPECT_EQ(files_in(folder.path()), 1U);
}

}  // namespace
}  // namespace chiaro::files_test
