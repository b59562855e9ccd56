// Whole-file reading and atomic writing.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chiaro {

/// The bytes of a regular file. Errors: Input (missing, a directory, unreadable, larger than
/// max_bytes).
std::vector<std::byte> read_file(const std::filesystem::path& path,
                                 std::size_t max_bytes = std::size_t{1} << 32);

/// As read_file, as text.
std::string read_text(const std::filesystem::path& path);

/// What becomes of a file that already has the name of a new one.
enum class Existing {
  Replaced,  ///< the new one gets its permissions
  Kept       ///< the new one is given up (Errors: Output), also where it appeared meanwhile
};

/// Writes to a temporary name in the target's folder, syncs and renames: the target is the old file
/// or the whole new one, never a part. A link stays a link; a device or pipe is simply written to.
/// Errors: Output.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes,
                           Existing existing = Existing::Replaced);
void write_file_atomically(const std::filesystem::path& path, std::string_view text);

/// What can be known of an output before there is anything to write: refuses one in a folder that
/// does not exist or cannot be written into, one that is a folder, one that is `input` itself, and,
/// unless `overwrite`, one that exists, be it as a link to nothing. A device or pipe exists, and is
/// written to as above. `option`: what the sentence says to give to overwrite. Errors: Output.
void expect_writable(const std::filesystem::path& output, bool overwrite,
                     const std::filesystem::path& input = {},
                     std::string_view option = "--overwrite");

/// A file that grows under a temporary name beside its target, for what is too large to be written
/// at once. Without commit nothing is left of it. A target that is a link stays a link.
class AtomicFile {
 public:
  /// Errors: Output (cannot be made; the target is a folder, a device or a pipe).
  explicit AtomicFile(const std::filesystem::path& target, Existing existing = Existing::Replaced);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// At the end. Errors: Output (disk full).
  void write(std::span<const std::byte> bytes);
  /// Over bytes that are there already. Errors: Output.
  void overwrite(std::size_t at, std::span<const std::byte> bytes);
  /// For libraries that write by themselves; at the end of what was written so far.
  int descriptor() const { return descriptor_; }
  const std::filesystem::path& temporary_name() const { return name_; }

  /// Syncs and renames: from here on the target is the whole new file. Errors: Output (among them a
  /// target that exists and is to be kept).
  void commit();

 private:
  std::filesystem::path target_;
  Existing existing_;
  std::optional<unsigned> mode_;  // of the file that is replaced
  std::filesystem::path name_;
  int descriptor_ = -1;
};

/// The bytes of a regular file without reading them into memory of one's own. The file must not
/// shrink meanwhile.
class MappedFile {
 public:
  /// Errors: Input (missing, a folder, unreadable).
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace chiaro
