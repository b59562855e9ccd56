#include "chiaro/restore/find_pictures.h"

#include <fnmatch.h>
#include <glob.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <system_error>
#include <tuple>

#include "chiaro/base/error.h"
#include "chiaro/image/codec.h"

namespace chiaro::restore {
namespace {

namespace fs = std::filesystem;

bool is_hidden(const fs::path& path) {
  return path.filename().native().starts_with('.');
}

/// Walks folders into the result.
class Walker {
 public:
  /// Everything below `folder` whose name matches `names`; "": the pictures, by extension. Returns
  /// whether any do, also where they were found before.
  bool walk(const fs::path& folder, const std::string& names) {
    names_ = names;
    const std::size_t before = found.pictures.size();
    return !read(folder, {}) || found.pictures.size() > before;
  }
  void take(const fs::path& file, const fs::path& below) {
    found.pictures.push_back({file, below});
  }

  FoundPictures found;

 private:
  /// Returns false where it was read already.
  bool read(const fs::path& folder, const fs::path& below) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) {
      found.unreadable.push_back(
          {folder, std::error_code(errno, std::generic_category()).message()});
      return true;
    }
    found.folders.emplace(status.st_dev, status.st_ino);
    // Read for other names, it may hold more.
    if (!read_.emplace(status.st_dev, status.st_ino, names_).second) {
      spdlog::debug("'{}' was read already under another name", folder.string());
      return false;
    }
    std::error_code failed;
    std::vector<fs::directory_entry> entries;
    for (fs::directory_iterator next(folder, failed), end; !failed && next != end;
         next.increment(failed)) {
      entries.push_back(*next);
    }
    if (failed) {
      found.unreadable.push_back({folder, failed.message()});
      return true;
    }
    std::ranges::sort(entries, {}, [](const auto& entry) { return entry.path(); });
    for (const auto& entry : entries) sort_in(entry, below);
    return true;
  }

  void sort_in(const fs::directory_entry& entry, const fs::path& below) {
    const fs::path& path = entry.path();
    std::error_code failed;
    const fs::file_status status = entry.status(failed);  // of what a link leads to
    if (is_hidden(path)) {
      ++found.left_aside;
    } else if (fs::is_directory(status)) {
      read(path, below / path.filename());
    } else if (!wanted(path)) {
      ++found.left_aside;
    } else if (fs::is_regular_file(status)) {
      take(path, below);
    } else if (status.type() == fs::file_type::not_found) {
      found.unreadable.push_back({path, "a link that leads nowhere"});
    } else if (failed) {
      found.unreadable.push_back({path, failed.message()});  // among them links in a circle
    } else {
      ++found.left_aside;  // a pipe or device: opening it might wait for ever
    }
  }

  bool wanted(const fs::path& path) const {
    return names_.empty() ? image::has_picture_extension(path)
                          : ::fnmatch(names_.c_str(), path.filename().c_str(), 0) == 0;
  }

  std::string names_;
  std::set<std::tuple<dev_t, ino_t, std::string>> read_;
};

std::vector<fs::path> matches_of(const std::string& pattern) {
  glob_t matched{};
  const int status = ::glob(pattern.c_str(), 0, nullptr, &matched);
  std::vector<fs::path> result(matched.gl_pathv, matched.gl_pathv + matched.gl_pathc);
  ::globfree(&matched);
  CHIARO_CHECK(status == 0 || status == GLOB_NOMATCH, Input,
               "[restore.find_pictures] cannot look for '{}'", pattern);
  CHIARO_CHECK(!result.empty(), Input, "[restore.find_pictures] nothing matches '{}'", pattern);
  return result;
}

/// FOLDER/**/NAMES: `base` gets FOLDER and `names` NAMES. Errors: Usage.
bool split_deep_pattern(const std::string& pattern, std::string& base, std::string& names) {
  const auto stars = pattern.find("**");
  if (stars == std::string::npos) return false;
  const bool whole =
      (stars == 0 || pattern[stars - 1] == '/') && pattern.substr(stars + 2).starts_with('/') &&
      pattern.find('/', stars + 3) == std::string::npos && stars + 3 < pattern.size() &&
      pattern.find("**", stars + 2) == std::string::npos;
  CHIARO_CHECK(whole, Usage,
               "[restore.find_pictures] cannot read the pattern '{}'; expected ** once, alone "
               "between slashes and before the last one, as in 'scans/**/*.tif'",
               pattern);
  base = stars == 0 ? "." : stars == 1 ? "/" : pattern.substr(0, stars - 1);
  names = pattern.substr(stars + 3);
  return true;
}

void add_named(Walker& walker, const fs::path& path) {
  std::error_code failed;
  const fs::file_status status = fs::status(path, failed);
  CHIARO_CHECK(fs::exists(status), Input, "[restore.find_pictures] cannot read '{}': {}",
               path.string(), failed ? failed.message() : "No such file or directory");
  if (fs::is_directory(status)) {
    walker.walk(path, "");
    return;
  }
  CHIARO_CHECK(fs::is_regular_file(status), Input,
               "[restore.find_pictures] '{}' is neither a file nor a folder", path.string());
  walker.take(path, {});
}

void add_pattern(Walker& walker, const std::string& pattern) {
  std::string base;
  std::string names;
  if (!split_deep_pattern(pattern, base, names)) {
    for (const fs::path& match : matches_of(pattern)) add_named(walker, match);
    return;
  }
  bool any = false;
  const auto folders = is_pattern(base) ? matches_of(base) : std::vector<fs::path>{base};
  for (const fs::path& folder : folders) {
    std::error_code failed;
    if (fs::is_directory(folder, failed)) any = walker.walk(folder, names) || any;
  }
  CHIARO_CHECK(any, Input, "[restore.find_pictures] nothing matches '{}'", pattern);
}

}  // namespace

bool is_pattern(const std::string& word) {
  std::error_code failed;
  return word.find_first_of("*?[") != std::string::npos &&
         !fs::exists(fs::symlink_status(word, failed));
}

FoundPictures find_pictures(std::span<const std::string> arguments) {
  Walker walker;
  for (const std::string& argument : arguments) {
    if (is_pattern(argument)) {
      add_pattern(walker, argument);
    } else {
      add_named(walker, argument);
    }
  }
  CHIARO_CHECK(!walker.found.pictures.empty() || !walker.found.unreadable.empty(), Input,
               "[restore.find_pictures] no pictures found in {} ({} other files left aside)",
               arguments.size() == 1 ? "'" + arguments.front() + "'" : "what was named",
               walker.found.left_aside);
  return std::move(walker.found);
}

}  // namespace chiaro::restore
