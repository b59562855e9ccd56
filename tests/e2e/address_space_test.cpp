// `chiaro restore` where the process may take little address space (`ulimit -v`): done, or too
// little memory; never a damaged bundle, a fault of the program, or no end at all.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "chiaro/image/codec.h"
#include "tests/support/bundle_folder.h"
#include "tests/support/noise.h"
#include "tests/support/process.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::address_space_test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

class AddressSpace : public testing::Test {
 protected:
  void SetUp() override {
    CHIARO_SKIP_WHERE_SANITIZED();
    fs::create_directories(folder_ / "in");
    for (const char* name : {"in/a.png", "in/b.jpg"})
      image::write(folder_ / name, test::noise(3, 300, 400, {.seed = 5}));
  }
  void TearDown() override { ::unsetenv("CHIARO_BUNDLE_PATH"); }

  /// `chiaro restore`, for at most a minute.
  static test::ProcessResult restore(int mebibytes, Words words) {
    words.insert(words.begin(), {"/bin/sh", "-c",
                                 "ulimit -v " + std::to_string(mebibytes * 1024) +
                                     "; exec timeout -s KILL 60 \"$0\" \"$@\"",
                                 CHIARO_PROGRAM, "restore"});
    return test::run_process(words);
  }

  /// Restores under limits between both; the largest suffices.
  void expect_done_or_too_little(int from, int to, int step) const {
    int too_little = 0;
    for (int mebibytes = from; mebibytes <= to; mebibytes += step) {
      fs::remove(folder_ / "out.png");
      const std::string file = folder_ / "out.png";
      const auto one = restore(mebibytes, {folder_ / "in/a.png", "-o", file});
      EXPECT_TRUE(one.status == 0 || one.status == 6) << mebibytes << ": " << one.status << one.err;
      EXPECT_EQ(fs::exists(file), one.status == 0) << mebibytes << ": " << one.err;
      if (one.status != 0) {
        ++too_little;
        EXPECT_NE(one.err.find("memory"), std::string::npos) << mebibytes << ": " << one.err;
      }
      // Of a folder, pictures may fail one by one.
      const auto many = restore(mebibytes, {folder_ / "in", "-o", folder_ / "many", "--overwrite"});
      EXPECT_TRUE(many.status == 0 || many.status == 1 || many.status == 6)
          << mebibytes << ": " << many.status << many.err;
      for (const char* wrong : {"internal error", "cannot use the graph", "damaged"})
        EXPECT_EQ(many.err.find(wrong), std::string::npos) << mebibytes << ": " << many.err;
      if (mebibytes + step > to) {
        EXPECT_EQ(one.status, 0) << one.err;
      }
    }
    EXPECT_GT(too_little, 0);
  }

  test::TemporaryFolder folder_;
};

TEST_F(AddressSpace, LittleOfItIsTooLittleMemory) {
  test::use_default_bundle(folder_ / "models", "unet");
  expect_done_or_too_little(200, 1400, 150);
}

TEST_F(AddressSpace, SlowLittleOfItIsTooLittleMemoryForTheBundleThatShips) {
  ::setenv("CHIARO_BUNDLE_PATH", CHIARO_SOURCE_DIR "/models", 1);
  expect_done_or_too_little(200, 1400, 25);
}

}  // namespace
}  // namespace chiaro::address_space_test
