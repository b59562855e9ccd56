#include "chiaro/engine/runtime.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <fstream>
#include <mutex>
#include <system_error>

#include "chiaro/base/error.h"
#include "chiaro/engine/runtime_core.h"

namespace chiaro::engine {
namespace {

/// What the libraries take before the first graph. With less some of them end the process, others
/// wait for ever.
constexpr std::int64_t kLeastRoomMib = 256;

/// Of the address space that `ulimit -v` leaves to this process.
std::int64_t room_mib() {
  struct rlimit limit {};
  std::ifstream facts("/proc/self/statm");
  std::int64_t pages = 0;
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || !(facts >> pages))
    return kLeastRoomMib;
  const std::int64_t taken = pages * sysconf(_SC_PAGESIZE);
  return std::max<std::int64_t>(0, (static_cast<std::int64_t>(limit.rlim_cur) - taken) >> 20);
}

}  // namespace

Runtime::Runtime() : room_mib_(room_mib()) {
  const auto load = [this] {
    expect_room();
    auto core = std::make_shared<ov::Core>();
    core->get_versions("CPU");  // loads the processor's library
    try {
      frontends_.load_by_framework("ir");  // reads what the cache keeps
    } catch (const std::exception& error) {
      spdlog::debug("prepared graphs cannot be read: {}", error.what());
    }
    return core;
  };
  const auto when = room_mib_ < kLeastRoomMib ? std::launch::deferred : std::launch::async;
  try {
    core_ = std::async(when, load).share();
  } catch (const std::system_error&) {  // no thread to be had
    core_ = std::async(std::launch::deferred, load).share();
  }
}

void Runtime::expect_room() const {
  CHIARO_CHECK(room_mib_ >= kLeastRoomMib, Resource,
               "[engine.open] not enough memory: {} MiB of address space are left to this process "
               "(ulimit -v); expected at least {}",
               room_mib_, kLeastRoomMib);
}

std::shared_ptr<Runtime> start_runtime() {
  static std::mutex one_at_a_time;
  static std::weak_ptr<Runtime> living;
  const std::lock_guard lock(one_at_a_time);
  if (auto found = living.lock()) return found;
  auto made = std::make_shared<Runtime>();
  living = made;
  return made;
}

}  // namespace chiaro::engine
