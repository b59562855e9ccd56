#include "chiaro/engine/cache_folder.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/support/temporary_folder.h"

namespace chiaro::engine::cache_folder_test {
namespace {

namespace fs = std::filesystem;

/// A file of so many bytes, a hole, last used so many hours ago.
fs::path put(const fs::path& file, std::uintmax_t bytes, int hours) {
  std::ofstream(file).put('x');
  fs::resize_file(file, bytes);
  fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(hours));
  return file;
}

TEST(CacheFolder, FollowsTheEnvironment) {
  const auto with = [](const char* chosen, const char* caches, const char* home) {
    const auto put = [](const char* name, const char* value) {
      value == nullptr ? ::unsetenv(name) : ::setenv(name, value, 1);
    };
    const char* before = std::getenv("HOME");
    const std::string old_home = before == nullptr ? "" : before;
    put("CHIARO_CACHE", chosen);
    put("XDG_CACHE_HOME", caches);
    put("HOME", home);
    const fs::path folder = cache_folder();
    ::setenv("HOME", old_home.c_str(), 1);
    ::unsetenv("CHIARO_CACHE");
    ::unsetenv("XDG_CACHE_HOME");
    return folder;
  };
  EXPECT_EQ(with("/x/y", "/c", "/h"), "/x/y");
  EXPECT_EQ(with("off", "/c", "/h"), "");
  EXPECT_EQ(with(nullptr, "/c", "/h"), "/c/chiaro");
  EXPECT_EQ(with(nullptr, "not/absolute", "/h"), "/h/.cache/chiaro");
  EXPECT_EQ(with(nullptr, nullptr, nullptr), "");
}

TEST(CacheFolder, DropsTheLongestUnusedAndWhatWasAbandoned) {
  const test::TemporaryFolder folder;
  const fs::path spared = put(folder / "00000000000000a1.code", 400, 9);
  const fs::path oldest = put(folder / "00000000000000a2.code", 400, 3);
  const fs::path newer = put(folder / "00000000000000a3.code", 400, 2);
  const fs::path newest = put(folder / "00000000000000a4.code", 400, 0);
  const fs::path foreign = put(folder / "letter.txt", 4000, 100);
  const fs::path abandoned = put(folder / "00000000000000a5.code.123456.part", 10, 30);
  const fs::path begun = put(folder / "00000000000000a6.code.123456.part", 10, 1);
  const fs::path download = put(folder / "thesis.zip.part", 10, 100);
  const fs::path named = put(folder / "cafe.code", 4000, 100);
  drop_longest_unused(folder.path(), ".code", 1300, spared);
  EXPECT_FALSE(fs::exists(oldest));
  EXPECT_FALSE(fs::exists(abandoned));
  for (const fs::path& file : {spared, newer, newest, foreign, begun, download, named})
    EXPECT_TRUE(fs::exists(file)) << file;
  drop_longest_unused(folder.path(), ".code", 0, spared);
  EXPECT_TRUE(fs::exists(spared));
  EXPECT_FALSE(fs::exists(newer));
  EXPECT_FALSE(fs::exists(newest));
  drop_longest_unused(folder / "missing", ".code", 0);
}

}  // namespace
}  // namespace chiaro::engine::cache_folder_test
