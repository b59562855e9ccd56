#include "chiaro/restore/bundle_search.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::restore::bundle_search_test {
namespace {

namespace fs = std::filesystem;

class BundleSearch : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(folder_ / "models");
    std::ofstream(folder_ / "models" / "mine.chiaro") << "x";
    before_ = fs::current_path();
    fs::current_path(folder_.path());
    ::setenv("CHIARO_BUNDLE_PATH", (folder_ / "models").c_str(), 1);
  }
  void TearDown() override {
    fs::current_path(before_);
    ::unsetenv("CHIARO_BUNDLE_PATH");
  }

  test::TemporaryFolder folder_;
  fs::path before_;
};

TEST_F(BundleSearch, FindsNamesWithAndWithoutTheirEnding) {
  EXPECT_EQ(find_bundle("mine"), folder_ / "models" / "mine.chiaro");
  EXPECT_EQ(find_bundle("mine.chiaro"), folder_ / "models" / "mine.chiaro");
  EXPECT_EQ(find_bundle("models/mine.chiaro"), "models/mine.chiaro");
}

TEST_F(BundleSearch, AFileThatIsHereComesFirst) {
  std::ofstream(folder_ / "mine.chiaro") << "y";
  EXPECT_EQ(find_bundle("mine.chiaro"), "mine.chiaro");
  EXPECT_EQ(find_bundle("mine"), folder_ / "models" / "mine.chiaro");
}

TEST_F(BundleSearch, PathsAreNotSearchedFor) {
  EXPECT_CHIARO_ERROR(find_bundle("./mine.chiaro"), Input, "there is no bundle './mine.chiaro'");
  EXPECT_CHIARO_ERROR(find_bundle("other/mine.chiaro"), Input, "there is no bundle");
  EXPECT_CHIARO_ERROR(find_bundle("yours.chiaro"), Input, "there is no bundle 'yours.chiaro'");
  EXPECT_CHIARO_ERROR(find_bundle("yours"), Input, "there is no bundle named 'yours'; known: ");
  EXPECT_CHIARO_ERROR(find_bundle("yours"), Input, "mine");
}

}  // namespace
}  // namespace chiaro::restore::bundle_search_test
