// What is behind Runtime; for the room alone.
#pragma once

#include <future>
#include <memory>
#include <openvino/frontend/manager.hpp>
#include <openvino/runtime/core.hpp>

#include "chiaro/engine/runtime.h"

namespace chiaro::engine {

class Runtime {
 public:
  Runtime();
  /// Waits until the processor's library is loaded. From any thread. Errors: those of the runtime.
  ov::Core& core() const { return *core_.get(); }

 private:
  ov::frontend::FrontEndManager frontends_;
  std::shared_future<std::shared_ptr<ov::Core>> core_;
};

}  // namespace chiaro::engine
