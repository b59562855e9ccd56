// Whole-file reading and atomic writing.
#pragma once

#include <cstddef>
#include <filesystem>
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

/// Writes to a temporary name in the target's folder, syncs and renames: the target is the old file
/// or the whole new one, never a part. A link stays a link; a device or pipe is simply written to.
/// Errors: Output.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file_atomically(const std::filesystem::path& path, std::string_view text);

/// What can be known of an output before there is anything to write: refuses one in a folder that
/// does not exist or cannot be written into, one that is a folder, one that is `input` itself, and,
/// unless `overwrite`, one that exists, be it as a link to nothing. A device or pipe exists, and is
/// written to as above. `option`: what the sentence says to give to overwrite. Errors: Output.
void expect_writable(const std::filesystem::path& output, bool overwrite,
                     const std::filesystem::path& input = {},
                     std::string_view option = "--overwrite");

}  // namespace chiaro
