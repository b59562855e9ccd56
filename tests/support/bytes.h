// Text as the bytes of a file.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace chiaro::test {

inline std::vector<std::byte> bytes_of(std::string_view text) {
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

}  // namespace chiaro::test
