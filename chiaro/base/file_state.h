// Whether a file is still the one that was begun to be read.
#pragma once

#include <cstdint>
#include <filesystem>

namespace chiaro {

/// What must not change while a file is read. Of what is no regular file, and of what is not there,
/// nothing is known: all such are equal.
struct FileState {
  std::int64_t size = -1;
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;
  std::uint64_t inode = 0;
  bool operator==(const FileState&) const = default;
};

FileState file_state(const std::filesystem::path& path);

/// Errors: Input where the file has another state than `before`.
void expect_unchanged(const std::filesystem::path& path, const FileState& before);

}  // namespace chiaro
