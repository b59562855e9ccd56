// Which pictures a list of files, folders and patterns means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace chiaro::restore {

struct FoundPicture {
  std::filesystem::path file;
  std::filesystem::path
      folder;  ///< where it lies below the folder that was asked for; may be empty
};

/// Something that is there but cannot be read, and why.
struct Unreadable {
  std::filesystem::path path;
  std::string reason;
};

struct FoundPictures {
  std::vector<FoundPicture> pictures;  ///< sorted within each argument
  std::vector<Unreadable> unreadable;  ///< folders that cannot be listed, links that lead nowhere
  std::size_t left_aside = 0;          ///< hidden entries and files that are no pictures by name
  std::set<std::pair<std::uint64_t, std::uint64_t>> folders;  ///< (device, inode) of those read
};

/// Arguments are files (taken whatever their name), folders (all pictures below, by extension), or
/// patterns for names that do not exist: * ? [a-z] within one level, and FOLDER/**/NAMES for all
/// levels below FOLDER. Hidden files and folders are left aside. Links to folders are followed, and
/// each folder is read once, so loops end. Errors: Input (nothing has that name, a pattern without
/// a match, neither file nor folder, no picture at all), Usage (a pattern that is not understood).
FoundPictures find_pictures(std::span<const std::string> arguments);

/// Whether a word is a pattern: it has one of * ? [ and no file has that name.
bool is_pattern(const std::string& word);

}  // namespace chiaro::restore
