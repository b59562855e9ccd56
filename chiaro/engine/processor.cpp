#include "chiaro/engine/processor.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <string_view>

#include "chiaro/base/text.h"

namespace chiaro::engine {
namespace {

/// Of the first core; "" where the system does not tell.
std::string fact_of_processor(std::string_view name) {
  std::ifstream facts("/proc/cpuinfo");
  std::string line;
  while (std::getline(facts, line)) {
    const auto colon = line.find(':');
    if (line.starts_with(name) && colon != std::string::npos)
      return std::string(trim(std::string_view(line).substr(colon + 1)));
  }
  return "";
}

}  // namespace

bool has_bf16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

std::string processor_name() {
  const std::string name = fact_of_processor("model name");
  return name.empty() ? "unknown processor" : name;
}

std::string processor_features() {
  return processor_name() + " " + fact_of_processor("flags");
}

int available_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return 1;
  return std::max(1, CPU_COUNT(&allowed));
}

}  // namespace chiaro::engine
