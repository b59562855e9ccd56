#include "chiaro/engine/large_pages.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <fstream>
#include <string>

namespace chiaro::engine::large_pages_test {
namespace {

constexpr std::size_t kMebibyte = 1 << 20;

struct Mapped {
  explicit Mapped(std::size_t bytes) : size(bytes) {
    begin = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  ~Mapped() { ::munmap(begin, size); }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;

  std::size_t size;
  void* begin;
};

bool has_large_pages() {
  std::string ways;
  std::getline(std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled"), ways);
  return !ways.empty() && ways.find("[never]") == std::string::npos;
}

TEST(LargePages, AreAskedForWhereMuchWasMapped) {
  if (!has_large_pages()) GTEST_SKIP() << "the system has none";
  const Mapped old(40 * kMebibyte);
  const LargePages pages;
  EXPECT_EQ(pages.ask(), 0U);
  const Mapped small(8 * kMebibyte);
  EXPECT_EQ(pages.ask(), 0U);
  const Mapped large(40 * kMebibyte);
  const std::size_t asked = pages.ask();
  EXPECT_GE(asked, 36 * kMebibyte);
  EXPECT_LE(asked, 48 * kMebibyte);  // with its neighbour, but not with what was there before
}

}  // namespace
}  // namespace chiaro::engine::large_pages_test
