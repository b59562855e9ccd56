// The subset of zip that bundles use: stored (uncompressed), unencrypted members with known names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chiaro::bundle {

/// An opened archive whose directory has been checked: few members, plain distinct names, stored,
/// not encrypted, and together no larger than the file. All errors: Bundle, with the origin named;
/// a file that cannot be read: Input.
class ZipReader {
 public:
  /// The bytes must outlive the reader.
  ZipReader(std::span<const std::byte> bytes, const std::string& origin);
  explicit ZipReader(const std::filesystem::path& path);
  ~ZipReader();
  ZipReader(const ZipReader&) = delete;
  ZipReader& operator=(const ZipReader&) = delete;

  /// Name → size in bytes.
  const std::map<std::string, std::uint64_t, std::less<>>& sizes() const { return sizes_; }

  /// The content of a member that exists; its CRC is checked.
  std::vector<std::byte> content(const std::string& name) const;

 private:
  struct Archive;
  void check_directory(std::uint64_t file_bytes);
  std::string origin_;
  std::unique_ptr<Archive> archive_;
  std::map<std::string, std::uint64_t, std::less<>> sizes_;
};

/// A stored archive with fixed time stamps: the same members give the same bytes. Errors: Internal.
std::vector<std::byte> make_zip(
    const std::vector<std::pair<std::string, std::span<const std::byte>>>& members);

}  // namespace chiaro::bundle
