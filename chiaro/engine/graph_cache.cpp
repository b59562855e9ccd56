#include "chiaro/engine/graph_cache.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/base/rng.h"
#include "chiaro/engine/cache_folder.h"

namespace chiaro::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMostBytes = 128 << 20;
constexpr std::string_view kExtension = ".graph";

constexpr std::size_t kAlignment = 64;

/// In front of a file: the sum of all that follows, then the key and a zero, since names may
/// collide, then zeros up to where what is kept begins.
using Sum = std::uint64_t;

std::size_t head_bytes(std::string_view key) {
  return (sizeof(Sum) + key.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
}

/// Finds damage, not malice. Four lanes, which a processor works on side by side, take a word each
/// in steps that are one-to-one, so that no single changed word goes unseen.
Sum sum_of(std::span<const std::byte> bytes) {
  constexpr Sum kOdd = 0x9e3779b97f4a7c15ULL;
  const auto step = [](Sum state, Sum word) { return std::rotl((state ^ word) * kOdd, 29); };
  std::array<Sum, 4> lanes{1, 2, 3, 4};
  std::array<Sum, 4> words{};
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(words)) {
    const std::size_t count = std::min(sizeof(words), bytes.size() - at);
    if (count < sizeof(words)) words = {};
    std::memcpy(words.data(), bytes.data() + at, count);
    for (std::size_t lane = 0; lane < lanes.size(); ++lane)
      lanes[lane] = step(lanes[lane], words[lane]);
  }
  return std::accumulate(lanes.begin(), lanes.end(), Sum{bytes.size()}, step);
}

}  // namespace

GraphCache::GraphCache(fs::path folder) : folder_(std::move(folder)) {}

fs::path GraphCache::file_of(std::string_view key) const {
  return folder_ / fmt::format("{:016x}{}", stable_hash(key), kExtension);
}

KeptGraph GraphCache::find(std::string_view key) const {
  if (!is_on() || !is_private_folder(folder_)) return {};
  const fs::path file = file_of(key);
  std::error_code failed;
  if (!fs::is_regular_file(file, failed)) return {};
  try {
    auto mapped = std::make_unique<const MappedFile>(file);
    const auto bytes = mapped->bytes();
    const std::size_t head = head_bytes(key);
    if (bytes.size() < head) return {};
    Sum sum = 0;
    std::memcpy(&sum, bytes.data(), sizeof(Sum));
    const auto* begin = reinterpret_cast<const char*>(bytes.data()) + sizeof(Sum);
    const bool same = std::string_view(begin, key.size()) == key && begin[key.size()] == '\0';
    if (!same || sum_of(bytes.subspan(sizeof(Sum))) != sum) {
      spdlog::debug("{} is damaged or of another graph", file.string());
      return {};
    }
    fs::last_write_time(file, fs::file_time_type::clock::now(), failed);
    return {std::move(mapped), head};
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
  if (!is_private_folder(folder_)) return;
  try {
    std::vector<std::byte> content(head_bytes(key));
    std::ranges::copy(std::as_bytes(std::span(key)), content.begin() + sizeof(Sum));
    content.insert(content.end(), bytes.begin(), bytes.end());
    const Sum sum = sum_of(std::span(content).subspan(sizeof(Sum)));
    std::memcpy(content.data(), &sum, sizeof(Sum));
    AtomicFile file(file_of(key));
    file.write(content);
    file.commit();
    drop_longest_unused(folder_, kExtension, kMostBytes);
  } catch (const std::exception& error) {
    spdlog::debug("the prepared graph is not kept: {}", error.what());
  }
}

}  // namespace chiaro::engine
