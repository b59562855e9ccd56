#include "chiaro/engine/large_pages.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>

namespace chiaro::engine {
namespace {

// Above the stacks of threads, which had better stay small.
constexpr std::size_t kLeastBytes = 12 << 20;
constexpr std::size_t kLargePage = 2 << 20;

/// What belongs to no file and can be written to, in order of address.
std::vector<LargePages::Piece> mapped_pieces() {
  std::vector<LargePages::Piece> pieces;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    LargePages::Piece piece;
    char access[5] = {};
    unsigned long file = 0;
    int end = 0;
    const int read = std::sscanf(line.c_str(), "%zx-%zx %4s %*x %*s %lu%n", &piece.first,
                                 &piece.second, access, &file, &end);
    const bool named = line.find_first_not_of(' ', static_cast<std::size_t>(end)) != line.npos;
    if (read == 4 && std::string_view(access) == "rw-p" && file == 0 && !named)
      pieces.push_back(piece);
  }
  return pieces;
}

}  // namespace

LargePages::LargePages() : before_(mapped_pieces()) {}

std::size_t LargePages::ask() const {
  std::size_t asked = 0;
  const auto ask_for = [&](std::size_t begin, std::size_t end) {
    begin = (begin + kLargePage - 1) / kLargePage * kLargePage;
    end = end / kLargePage * kLargePage;
    if (end < begin + kLeastBytes) return;
    if (::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE) == 0)
      asked += end - begin;
  };
  for (const Piece& piece : mapped_pieces()) {
    std::size_t begin = piece.first;  // neighbours may have become one
    for (const Piece& old : before_) {
      if (old.second <= begin || old.first >= piece.second) continue;
      ask_for(begin, std::max(begin, old.first));
      begin = old.second;
    }
    ask_for(begin, std::max(begin, piece.second));
  }
  return asked;
}

}  // namespace chiaro::engine
