// A named pipe that gives the bytes of a file once.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "chiaro/base/files.h"

namespace chiaro::test {

class NamedPipe {
 public:
  /// Makes the pipe at `path`; its bytes come from `source`, when somebody reads. The destructor
  /// waits for that.
  NamedPipe(const std::filesystem::path& path, const std::filesystem::path& source) {
    const int made = ::mkfifo(path.c_str(), 0600);
    EXPECT_EQ(made, 0) << path;
    if (made != 0) return;
    writer_ = std::jthread([path, source] {
      const auto held = read_file(source);
      std::ofstream(path, std::ios::binary)
          .write(reinterpret_cast<const char*>(held.data()), std::ssize(held));
    });
  }

 private:
  std::jthread writer_;
};

}  // namespace chiaro::test
