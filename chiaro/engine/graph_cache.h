// Prepared graphs on disk: a program that restores one picture spends more time on preparing its
// graph than on anything else but running it, and the next call prepares the same.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "chiaro/base/files.h"

namespace chiaro::engine {

/// What is kept, where it lies in the cache: its bytes can be read as long as this lives.
class KeptGraph {
 public:
  KeptGraph() = default;
  KeptGraph(std::unique_ptr<const MappedFile> file, std::size_t begin)
      : file_(std::move(file)), bytes_(file_->bytes().subspan(begin)) {}

  bool empty() const { return bytes_.empty(); }
  /// They begin at a multiple of 64 bytes in memory.
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::unique_ptr<const MappedFile> file_;
  std::span<const std::byte> bytes_;
};

/// A folder with at most 128 MiB of prepared graphs, of which the longest unused goes first. A
/// prepared graph is trusted as a program is, so a folder that others than this user can write to
/// is not used. Nothing is ever lost with it, so nothing that fails here is an error; the log at
/// level debug tells. Several processes may use one folder.
class GraphCache {
 public:
  explicit GraphCache(std::filesystem::path folder = {});  ///< empty: keeps and finds nothing

  bool is_on() const { return !folder_.empty(); }
  /// What was kept under this key, whole and undamaged; else nothing.
  KeptGraph find(std::string_view key) const;
  void keep(std::string_view key, std::span<const std::byte> bytes) const;

 private:
  std::filesystem::path file_of(std::string_view key) const;

  std::filesystem::path folder_;
};

}  // namespace chiaro::engine
