#include "chiaro/engine/runtime.h"

#include <spdlog/spdlog.h>

#include <exception>
#include <mutex>
#include <system_error>

#include "chiaro/engine/runtime_core.h"

namespace chiaro::engine {

Runtime::Runtime() {
  const auto load = [this] {
    auto core = std::make_shared<ov::Core>();
    core->get_versions("CPU");  // loads the processor's library
    try {
      frontends_.load_by_framework("ir");  // reads what the cache keeps
    } catch (const std::exception& error) {
      spdlog::debug("prepared graphs cannot be read: {}", error.what());
    }
    return core;
  };
  try {
    core_ = std::async(std::launch::async, load).share();
  } catch (const std::system_error&) {  // no thread to be had
    core_ = std::async(std::launch::deferred, load).share();
  }
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
