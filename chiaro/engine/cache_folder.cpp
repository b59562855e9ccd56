#include "chiaro/engine/cache_folder.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <system_error>
#include <vector>

namespace chiaro::engine {
namespace {

namespace fs = std::filesystem;

fs::path named(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? fs::path() : fs::path(value);
}

/// Whether a cache gave a file of this ending its name: a hash in at least 16 hexadecimal digits. A
/// folder that a user names may hold files of others.
bool is_of_a_cache(const std::string& name, std::string_view ending) {
  const std::size_t digits = std::min(name.find_first_not_of("0123456789abcdef"), name.size());
  return digits >= 16 && std::string_view(name).substr(digits) == ending;
}

/// The same for what was being written when its process ended: the ending, six digits or letters,
/// ".part" (AtomicFile).
bool is_abandoned_of_a_cache(const std::string& name, std::string_view ending) {
  constexpr std::size_t kTemporary = std::string_view(".123456.part").size();
  return name.ends_with(".part") && name.size() > kTemporary &&
         is_of_a_cache(name.substr(0, name.size() - kTemporary), ending);
}

}  // namespace

fs::path cache_folder() {
  if (const fs::path chosen = named("CHIARO_CACHE"); !chosen.empty())
    return chosen == "off" ? fs::path() : chosen;
  if (const fs::path caches = named("XDG_CACHE_HOME"); caches.is_absolute())
    return caches / "chiaro";
  const fs::path home = named("HOME");
  return home.is_absolute() ? home / ".cache" / "chiaro" : fs::path();
}

bool is_private_folder(const fs::path& folder) {
  struct stat facts {};
  if (::stat(folder.c_str(), &facts) != 0) return false;
  const bool own = S_ISDIR(facts.st_mode) && facts.st_uid == ::geteuid() &&
                   (facts.st_mode & (S_IWGRP | S_IWOTH)) == 0;
  if (!own) spdlog::debug("{} is no folder that this user alone can write to", folder.string());
  return own;
}

void drop_longest_unused(const fs::path& folder, std::string_view extension,
                         std::uintmax_t most_bytes, const fs::path& spared) {
  struct Kept {
    fs::file_time_type used;
    std::uintmax_t bytes;
    fs::path path;
  };
  std::vector<Kept> all;
  std::uintmax_t total = 0;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    std::error_code gone;  // by another process
    const auto bytes = entry.file_size(gone);
    const auto used = entry.last_write_time(gone);
    if (gone) continue;
    const bool abandoned = fs::file_time_type::clock::now() - used > std::chrono::hours(24);
    const std::string name = entry.path().filename().string();
    if (abandoned && is_abandoned_of_a_cache(name, extension)) fs::remove(entry.path(), gone);
    if (!is_of_a_cache(name, extension)) continue;
    all.push_back({used, bytes, entry.path()});
    total += bytes;
  }
  std::ranges::sort(all, {}, &Kept::used);
  for (const Kept& oldest : all) {
    if (total <= most_bytes) return;
    if (oldest.path == spared) continue;
    fs::remove(oldest.path, failed);
    total -= oldest.bytes;
  }
}

}  // namespace chiaro::engine
