#include "chiaro/nn/generator_scope.h"

#include <ATen/CPUGeneratorImpl.h>

#include <mutex>

namespace chiaro::nn {

GeneratorScope::GeneratorScope(std::uint64_t seed)
    : generator_(at::detail::getDefaultCPUGenerator()) {
  const std::lock_guard<std::mutex> lock(generator_.mutex());
  kept_ = generator_.get_state();
  generator_.set_current_seed(seed);
}

GeneratorScope::~GeneratorScope() {
  const std::lock_guard<std::mutex> lock(generator_.mutex());
  generator_.set_state(kept_);
}

}  // namespace chiaro::nn
