#include "chiaro/restore/folder_codes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::restore::folder_codes_test {
namespace {

namespace fs = std::filesystem;

/// Files whose first letter says what becomes of them; the "code" is 1 for all.
class FolderCodes : public testing::Test {
 protected:
  void write(const std::string& name) {
    fs::create_directories((folder_ / name).parent_path());
    write_file_atomically(folder_ / name, name);
  }

  CodingSteps steps() {
    return {.bytes = [](const fs::path&) { return std::int64_t{1000}; },
            .look =
                [this](const fs::path& file) {
                  const std::lock_guard lock(mutex_);
                  ++looks_[file.filename().string()];
                  if (file.filename().string().starts_with("broken"))
                    fail(ErrorCode::Input, "[look] '{}' is no picture", file.string());
                  if (file.filename().string().starts_with("growing"))
                    std::ofstream(file, std::ios::app) << "more";
                  return CodeViews{};
                },
            .encode = [](const CodeViews&) { return std::vector<float>{1}; }};
  }

  test::TemporaryFolder folder_;
  CodeIndex index_{{"e", {{"content", 1, true}}}, ""};
  std::mutex mutex_;
  std::map<std::string, int> looks_;
};

TEST_F(FolderCodes, ListsNamesBelowTheFolderWithTheirStamps) {
  write("b.png");
  write("below/a.jpg");
  write("notes.txt");
  const auto pictures = list_folder(folder_.path());
  ASSERT_EQ(pictures.size(), 2U);
  EXPECT_EQ(pictures[0].name, "b.png");
  EXPECT_EQ(pictures[1].name, "below/a.jpg");
  EXPECT_EQ(pictures[1].stamp.size, 11);
  EXPECT_EQ(pictures[1].stamp, stamp_of(file_state(folder_ / "below/a.jpg")));
  EXPECT_EQ(list_folder(folder_.path() / "").size(), 2U);
  EXPECT_EQ(list_folder(folder_.path() / "")[1].name, "below/a.jpg");
}

TEST_F(FolderCodes, EveryPictureOnceByHoweverManyReaders) {
  for (int i = 0; i < 200; ++i) write(fmt::format("p{:03}.png", i));
  std::size_t done = 0;
  EXPECT_TRUE(code_pictures(index_, folder_.path(), list_folder(folder_.path()), steps(),
                            {.readers = 4, .in_flight_bytes = 1500}, {.done = [&] { ++done; }}));
  EXPECT_EQ(done, 200U);
  EXPECT_EQ(index_.rows().size(), 200U);
  for (const auto& picture : list_folder(folder_.path())) {
    EXPECT_EQ(looks_[picture.name], 1) << picture.name;
    EXPECT_EQ(index_.rows()[index_.find(picture.name)].picture.stamp, picture.stamp);
  }
}

TEST_F(FolderCodes, FaultsOfFilesAreRememberedUnderTheirNames) {
  write("a.png");
  write("below/broken.png");
  write("growing.png");
  write("z.png");
  auto pictures = list_folder(folder_.path());
  pictures.push_back({"broken_and_gone.png", {}});
  std::map<std::string, std::string> failed;
  EXPECT_TRUE(code_pictures(index_, folder_.path(), pictures, steps(), {},
                            {.failed = [&](const FolderPicture& picture, const Error& error) {
                              failed[picture.name] = error.what();
                            }}));
  EXPECT_EQ(failed.size(), 3U);
  EXPECT_NE(failed["below/broken.png"].find(folder_.path().string()), std::string::npos);
  EXPECT_NE(failed["growing.png"].find("changed"), std::string::npos);
  ASSERT_EQ(index_.rows().size(), 3U);  // not what changed or is gone: another time, perhaps
  EXPECT_EQ(index_.faults(), 1U);
  EXPECT_EQ(index_.rows()[index_.find("below/broken.png")].fault,
            "[look] 'below/broken.png' is no picture");
}

TEST_F(FolderCodes, StopsWhenAskedAndKeepsWhatIsDone) {
  for (int i = 0; i < 50; ++i) write(fmt::format("p{:03}.png", i));
  std::size_t done = 0;
  EXPECT_FALSE(code_pictures(index_, folder_.path(), list_folder(folder_.path()), steps(),
                             {.readers = 2},
                             {.done = [&] { ++done; }, .keep_going = [&] { return done < 7; }}));
  EXPECT_EQ(index_.rows().size(), 7U);
  int looks = 0;
  for (const auto& [name, count] : looks_) looks += count;
  EXPECT_LT(looks, 20);
}

TEST_F(FolderCodes, WhatIsNoPicturesFaultEndsIt) {
  for (int i = 0; i < 50; ++i) write(fmt::format("p{:03}.png", i));
  CodingSteps faulty = steps();
  faulty.encode = [&](const CodeViews&) -> std::vector<float> {
    if (index_.rows().size() == 3) fail(ErrorCode::Bundle, "[encode] no code");
    return {1};
  };
  EXPECT_CHIARO_ERROR(
      code_pictures(index_, folder_.path(), list_folder(folder_.path()), faulty, {.readers = 3}),
      Bundle, "no code");
  EXPECT_EQ(index_.rows().size(), 3U);
  CodingSteps small = steps();
  small.look = [](const fs::path&) -> CodeViews { fail(ErrorCode::Resource, "[look] full"); };
  EXPECT_CHIARO_ERROR(code_pictures(index_, folder_.path(), list_folder(folder_.path()), small),
                      Resource, "full");
}

}  // namespace
}  // namespace chiaro::restore::folder_codes_test
