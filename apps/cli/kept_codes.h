// Which file keeps the codes of a folder between calls of retrieve, and what is done with one that
// does not fit. docs/retrieving.md says the rules.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include <CLI/CLI.hpp>

#include "chiaro/restore/code_index.h"

namespace chiaro::cli {

/// --index FILE, --no-index.
struct IndexFlags {
  std::string file;
  bool none = false;
};

void add_index_flags(CLI::App& command, IndexFlags& flags);

/// The file that --index names; else one in the cache, by folder and encoder; else none.
class KeptCodes {
 public:
  /// Errors: Usage (the name of a picture), Output (a named file that cannot be written), Input
  /// (the folder is gone).
  KeptCodes(const IndexFlags& flags, restore::CodeLayout layout,
            const std::filesystem::path& folder);

  /// What is kept of these pictures as they are now. In the cache, damage costs a note and the
  /// codes are computed anew. Errors, of a named file alone: Input (damaged, no index), Bundle
  /// (codes of another encoder), Usage (codes of another folder).
  restore::CodeIndex open(std::span<const restore::FolderPicture> pictures);

  /// Writes the file, whole or not at all. One in the cache that cannot be written costs one note.
  /// Errors: Output, of a named file.
  void keep(const restore::CodeIndex& index);

  /// Empty: none.
  const std::filesystem::path& file() const { return file_; }
  /// How many were kept whose pictures are gone or have changed.
  std::size_t outdated() const { return outdated_; }
  /// Whether the file does not have what was opened, even where nothing is added to it.
  bool is_stale() const { return stale_; }

 private:
  restore::CodeIndex open_named(std::span<const restore::FolderPicture> pictures);
  restore::CodeIndex open_cached(std::span<const restore::FolderPicture> pictures);
  restore::CodeIndex of_moved_folder(std::span<const restore::FolderPicture> pictures);
  restore::CodeIndex read(const std::filesystem::path& file) const;
  restore::CodeIndex nothing() const;
  restore::CodeIndex still_valid(const restore::CodeIndex& kept,
                                 std::span<const restore::FolderPicture> pictures);

  restore::CodeLayout layout_;
  std::string folder_;  // canonical
  std::filesystem::path file_;
  bool named_ = false;
  std::size_t outdated_ = 0;
  bool stale_ = false;
};

}  // namespace chiaro::cli
