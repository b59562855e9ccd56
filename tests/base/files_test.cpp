#include "chiaro/base/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro {
namespace {

namespace fs = std::filesystem;

std::size_t entries_in(const fs::path& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(Files, RoundTripKeepsEveryByte) {
  const test::TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 100000; ++i) text.push_back(static_cast<char>(i % 256));
  write_file_atomically(folder / "a", text);
  EXPECT_EQ(read_text(folder / "a"), text);
  EXPECT_EQ(read_file(folder / "a").size(), text.size());
}

TEST(Files, EmptyFile) {
  const test::TemporaryFolder folder;
  write_file_atomically(folder / "a", "");
  EXPECT_EQ(read_text(folder / "a"), "");
}

TEST(Files, WritingReplacesAndLeavesNothingElse) {
  const test::TemporaryFolder folder;
  write_file_atomically(folder / "a", "old and longer");
  write_file_atomically(folder / "a", "new");
  EXPECT_EQ(read_text(folder / "a"), "new");
  EXPECT_EQ(entries_in(folder.path()), 1U);
}

TEST(Files, NewFilesHaveTheUsersMode) {
  const test::TemporaryFolder folder;
  const mode_t before = ::umask(027);
  write_file_atomically(folder / "a", "x");
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat((folder / "a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640U);
}

TEST(Files, MissingFileIsAnInputError) {
  const test::TemporaryFolder folder;
  EXPECT_CHIARO_ERROR(read_file(folder / "none"), Input, "none': No such file");
}

TEST(Files, AFolderIsAnInputError) {
  const test::TemporaryFolder folder;
  EXPECT_CHIARO_ERROR(read_file(folder.path()), Input, "is a folder; expected a file");
}

TEST(Files, TooLargeIsRefusedBeforeReading) {
  const test::TemporaryFolder folder;
  write_file_atomically(folder / "a", "12345");
  EXPECT_EQ(read_file(folder / "a", 5).size(), 5U);
  EXPECT_CHIARO_ERROR(read_file(folder / "a", 4), Input, "got 5 bytes; expected at most 4");
}

TEST(Files, AMissingFolderIsAnOutputError) {
  const test::TemporaryFolder folder;
  EXPECT_CHIARO_ERROR(write_file_atomically(folder / "none" / "a", "x"), Output, "No such file");
}

TEST(Files, AFailedWriteKeepsTheOldFileAndNoPart) {
  const test::TemporaryFolder folder;
  // A folder stands where the file should go: the rename fails after all bytes were written.
  fs::create_directory(folder / "a");
  std::ofstream(folder / "a" / "kept") << "old";
  EXPECT_CHIARO_ERROR(write_file_atomically(folder / "a", "new"), Output, "cannot write");
  EXPECT_EQ(read_text(folder / "a" / "kept"), "old");
  EXPECT_EQ(entries_in(folder.path()), 1U);
}

}  // namespace
}  // namespace chiaro
