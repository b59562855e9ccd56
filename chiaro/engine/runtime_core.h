// What is behind Runtime; for the room alone.
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <openvino/frontend/manager.hpp>
#include <openvino/runtime/core.hpp>

#include "chiaro/engine/runtime.h"

namespace chiaro::engine {

class Runtime {
 public:
  Runtime();
  /// Errors: Resource, where the libraries had too little address space when they were to be
  /// loaded.
  void expect_room() const;
  /// Waits until the processor's library is loaded. From any thread. Errors: those of the runtime.
  ov::Core& core() const { return *core_.get(); }

 private:
  std::int64_t room_mib_ = 0;
  ov::frontend::FrontEndManager frontends_;
  std::shared_future<std::shared_ptr<ov::Core>> core_;
};

}  // namespace chiaro::engine
