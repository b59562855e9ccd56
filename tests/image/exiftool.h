// ExifTool as a judge from outside, where it is installed.
#pragma once

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace chiaro::image::test {

inline bool has_exiftool() {
  return std::system("exiftool -ver > /dev/null 2>&1") == 0;
}

/// What it prints.
inline std::string exiftool(const std::string& arguments) {
  std::string result;
  FILE* pipe = ::popen(("exiftool " + arguments + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return result;
  std::array<char, 4096> buffer{};
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe))
    result.append(buffer.data(), n);
  ::pclose(pipe);
  return result;
}

}  // namespace chiaro::image::test
