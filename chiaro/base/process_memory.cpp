#include "chiaro/base/process_memory.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>

namespace chiaro {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();

/// What the two versions of control groups call the same things.
struct GroupFiles {
  const char* limit;
  const char* used;
  std::string_view cache;  // in memory.stat, with all groups below
};
constexpr GroupFiles kVersion1{"memory.limit_in_bytes", "memory.usage_in_bytes",
                               "total_inactive_file"};
constexpr GroupFiles kVersion2{"memory.max", "memory.current", "inactive_file"};

std::int64_t number_in(const fs::path& file, std::int64_t otherwise) {
  std::ifstream stream(file);
  std::int64_t number = 0;
  return stream >> number ? number : otherwise;  // "max" is no number
}

/// What can be dropped of the files that a group has read.
std::int64_t cached_bytes(const fs::path& group, const GroupFiles& files) {
  std::ifstream facts(group / "memory.stat");
  std::string key;
  std::int64_t bytes = 0;
  while (facts >> key >> bytes) {
    if (key == files.cache) return bytes;
  }
  return 0;
}

std::int64_t room_in(const fs::path& group, const GroupFiles& files) {
  const std::int64_t limit = number_in(group / files.limit, kUnlimited);
  if (limit == kUnlimited) return kUnlimited;
  const std::int64_t used = number_in(group / files.used, 0) - cached_bytes(group, files);
  return std::max<std::int64_t>(0, limit - std::max<std::int64_t>(0, used));
}

/// Of the group and all around it. Within a container the outermost is mounted in the place of its
/// own, whatever the path says.
std::int64_t least_room(const fs::path& mount, fs::path group, const GroupFiles& files) {
  std::int64_t least = room_in(mount, files);
  for (group = group.relative_path(); !group.empty(); group = group.parent_path())
    least = std::min(least, room_in(mount / group, files));
  return least;
}

}  // namespace

std::int64_t resident_bytes() {
  std::ifstream facts("/proc/self/statm");
  std::int64_t total = 0;
  std::int64_t resident = 0;
  if (!(facts >> total >> resident)) return 0;
  return resident * sysconf(_SC_PAGESIZE);
}

std::int64_t peak_resident_bytes() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
}

std::int64_t available_memory_bytes() {
  std::ifstream facts("/proc/meminfo");
  std::string key;
  std::int64_t kibibytes = 0;
  std::string unit;
  while (facts >> key >> kibibytes >> unit) {
    if (key != "MemAvailable:") continue;
    // 0 would say that nothing is known.
    return std::min(kibibytes * 1024, std::max<std::int64_t>(1, room_in_control_groups()));
  }
  return 0;
}

std::int64_t room_in_control_groups(const fs::path& groups, const fs::path& mount) {
  std::int64_t least = kUnlimited;
  std::ifstream lines(groups);
  for (std::string line; std::getline(lines, line);) {  // "4:cpu,memory:/a/b", "0::/a/b"
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const fs::path group = line.substr(second + 1);
    if (controllers == ",,") {
      least = std::min(least, least_room(mount, group, kVersion2));
    } else if (controllers.find(",memory,") != std::string::npos) {
      least = std::min(least, least_room(mount / "memory", group, kVersion1));
    }
  }
  return least;
}

void return_free_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

void return_large_blocks_at_once() {
#ifdef __GLIBC__
  constexpr int kLarge = 4 << 20;
  mallopt(M_MMAP_THRESHOLD, kLarge);
  mallopt(M_TRIM_THRESHOLD, 2 * kLarge);  // what is set stops being adjusted, and 128 KiB is little
#endif
}

void share_few_heaps() {
#ifdef __GLIBC__
  mallopt(M_ARENA_MAX, 3);
#endif
}

}  // namespace chiaro
