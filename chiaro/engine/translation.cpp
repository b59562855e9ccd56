#include "chiaro/engine/translation.h"

#include <algorithm>
#include <array>

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
  // The last three: of its code generator; of a thread; of a library, all where nothing is left.
  constexpr std::array kWords{"bad_alloc",
                              "llocat",
                              "out of memory",
                              "can't alloc",
                              "Resource temporarily unavailable",
                              "failed to map segment"};
  return std::ranges::any_of(kWords, [message](const char* words) {
    return message.find(words) != std::string_view::npos;
  });
}

}  // namespace chiaro::engine
