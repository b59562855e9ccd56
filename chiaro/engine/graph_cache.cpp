#include "chiaro/engine/graph_cache.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/rng.h"

namespace chiaro::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMostBytes = 128 << 20;
constexpr std::string_view kExtension = ".graph";

/// FNV-1a of a file's content, in front of it; then the key and a zero, since names may collide.
using Sum = std::uint64_t;

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string content(std::string_view key, std::span<const std::byte> bytes) {
  std::string text(key);
  text += '\0';
  text += as_text(bytes);
  return text;
}

fs::path named(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? fs::path() : fs::path(value);
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

GraphCache::GraphCache(fs::path folder) : folder_(std::move(folder)) {}

fs::path GraphCache::file_of(std::string_view key) const {
  return folder_ / fmt::format("{:016x}{}", stable_hash(key), kExtension);
}

bool GraphCache::is_private() const {
  struct stat facts {};
  if (::stat(folder_.c_str(), &facts) != 0) return false;
  const bool own = S_ISDIR(facts.st_mode) && facts.st_uid == ::geteuid() &&
                   (facts.st_mode & (S_IWGRP | S_IWOTH)) == 0;
  if (!own) spdlog::debug("{} is no folder that this user alone can write to", folder_.string());
  return own;
}

std::vector<std::byte> GraphCache::find(std::string_view key) const {
  if (!is_on() || !is_private()) return {};
  const fs::path file = file_of(key);
  std::error_code failed;
  if (!fs::is_regular_file(file, failed)) return {};
  try {
    const MappedFile mapped(file);
    const auto bytes = mapped.bytes();
    const std::size_t head = sizeof(Sum) + key.size() + 1;
    if (bytes.size() < head) return {};
    Sum sum = 0;
    std::memcpy(&sum, bytes.data(), sizeof(Sum));
    const std::string_view rest = as_text(bytes.subspan(sizeof(Sum)));
    if (!rest.starts_with(key) || rest[key.size()] != '\0' || stable_hash(rest) != sum) {
      spdlog::debug("{} is damaged or of another graph", file.string());
      return {};
    }
    fs::last_write_time(file, fs::file_time_type::clock::now(), failed);
    return {bytes.begin() + static_cast<std::ptrdiff_t>(head), bytes.end()};
  } catch (const Error& error) {
    spdlog::debug("{}", error.what());
    return {};
  }
}

void GraphCache::keep(std::string_view key, std::span<const std::byte> bytes) const {
  if (!is_on()) return;
  std::error_code failed;
  if (fs::create_directories(folder_, failed))
    fs::permissions(folder_, fs::perms::owner_all, failed);
  if (!is_private()) return;
  try {
    const std::string text = content(key, bytes);
    const Sum sum = stable_hash(text);
    AtomicFile file(file_of(key));
    file.write(std::as_bytes(std::span(&sum, 1)));
    file.write(std::as_bytes(std::span(text)));
    file.commit();
    make_room();
  } catch (const std::exception& error) {
    spdlog::debug("the prepared graph is not kept: {}", error.what());
  }
}

void GraphCache::make_room() const {
  struct Kept {
    fs::file_time_type used;
    std::uintmax_t bytes;
    fs::path path;
  };
  std::vector<Kept> all;
  std::uintmax_t total = 0;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    std::error_code gone;  // by another process
    const auto bytes = entry.file_size(gone);
    const auto used = entry.last_write_time(gone);
    if (gone) continue;
    if (entry.path().extension() != kExtension) {  // what a killed process left half written
      const bool abandoned = fs::file_time_type::clock::now() - used > std::chrono::hours(24);
      if (entry.path().extension() == ".part" && abandoned) fs::remove(entry.path(), gone);
      continue;
    }
    all.push_back({used, bytes, entry.path()});
    total += bytes;
  }
  std::ranges::sort(all, {}, &Kept::used);
  for (const Kept& oldest : all) {
    if (total <= kMostBytes) return;
    std::error_code gone;
    fs::remove(oldest.path, gone);
    total -= oldest.bytes;
  }
}

}  // namespace chiaro::engine
