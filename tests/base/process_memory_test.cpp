#include "chiaro/base/process_memory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "chiaro/base/files.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::process_memory_test {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();

class ControlGroups : public testing::Test {
 protected:
  void put(const fs::path& file, std::string_view text) const {
    fs::create_directories((folder_ / file).parent_path());
    write_file_atomically(folder_ / file, text);
  }
  std::int64_t room() const {
    return room_in_control_groups(folder_ / "groups", folder_ / "mount");
  }

  test::TemporaryFolder folder_;
};

TEST_F(ControlGroups, TheLeastOfAGroupAndThoseAroundIt) {
  put("groups", "0::/slice/inner\n");
  EXPECT_EQ(room(), kUnlimited);  // nothing is mounted
  put("mount/slice/inner/memory.max", "max\n");
  put("mount/slice/inner/memory.current", "100\n");
  EXPECT_EQ(room(), kUnlimited);
  put("mount/slice/memory.max", "1000\n");
  put("mount/slice/memory.current", "700\n");
  EXPECT_EQ(room(), 300);
  put("mount/slice/memory.stat", "anon 450\ninactive_file 250\nactive_file 0\n");
  EXPECT_EQ(room(), 550);  // files that were read can be dropped
  put("mount/slice/inner/memory.max", "150\n");
  EXPECT_EQ(room(), 50);
  put("mount/slice/inner/memory.current", "151\n");
  EXPECT_EQ(room(), 0);
}

// A container sees its own group in the place of the outermost, and the path of the machine.
TEST_F(ControlGroups, OfTheFirstVersionAndInContainers) {
  put("groups", "5:cpuset:/other\n4:cpu,memory:/docker/12ab\nnonsense\n");
  put("mount/memory/memory.limit_in_bytes", "9223372036854771712\n");
  put("mount/memory/memory.usage_in_bytes", "400\n");
  EXPECT_GT(room(), std::int64_t{1} << 60);
  put("mount/memory/memory.limit_in_bytes", "1000\n");
  put("mount/memory/memory.stat", "inactive_file 5\ntotal_inactive_file 100\n");
  EXPECT_EQ(room(), 700);
}

TEST_F(ControlGroups, WithoutAListNothingIsLimited) {
  EXPECT_EQ(room(), kUnlimited);
  EXPECT_GT(available_memory_bytes(), 0);
}

}  // namespace
}  // namespace chiaro::process_memory_test
