// For readers that take names: a file that is in memory alone.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace chiaro::fuzz {

class NamedMemory {
 public:
  void put(std::span<const std::byte> bytes) {
    if (::ftruncate(descriptor_, 0) != 0 || ::pwrite(descriptor_, bytes.data(), bytes.size(), 0) !=
                                                static_cast<ssize_t>(bytes.size())) {
      std::abort();
    }
  }
  void put(std::string_view text) { put(std::as_bytes(std::span(text))); }
  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_ = ::memfd_create("fuzz", MFD_CLOEXEC);
};

}  // namespace chiaro::fuzz
