#include "chiaro/engine/translation.h"

#include "chiaro/base/text.h"

namespace chiaro::engine {

std::string brief(const char* message) {
  std::string line;
  for (const std::string& candidate : split(message, '\n')) {
    const auto text = trim(candidate);
    if (text.empty() || text.starts_with("Exception from ") || text.starts_with("Check '"))
      continue;
    line = text;
    break;
  }
  if (line.empty()) line = std::string(trim(message));
  constexpr std::size_t kLongest = 200;
  return line.size() > kLongest ? line.substr(0, kLongest) + "…" : line;
}

bool is_about_memory(std::string_view message) {
  return message.find("bad_alloc") != std::string_view::npos ||
         message.find("llocat") != std::string_view::npos ||
         message.find("out of memory") != std::string_view::npos;
}

}  // namespace chiaro::engine
