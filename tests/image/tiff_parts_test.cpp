// How the pixels of a TIFF's page lie in the file.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

#include "chiaro/image/tiff_folders.h"
#include "tests/image/handmade_files.h"

namespace chiaro::image::tiff_parts_test {
namespace {

struct Tag {
  std::uint32_t tag;
  std::uint32_t type;
  std::uint32_t count;
  std::uint32_t value;
};

constexpr std::uint32_t kShort = 3;
constexpr std::uint32_t kLong = 4;

/// A folder of a page alone.
test::Bytes tiff_of(const std::vector<Tag>& tags, std::uint32_t next = 0) {
  test::Bytes out;
  test::put(out, std::string_view("II*\0\x08\0\0\0", 8));
  test::put_little(out, static_cast<std::uint32_t>(tags.size()), 2);
  for (const Tag& tag : tags) {
    test::put_little(out, tag.tag, 2);
    test::put_little(out, tag.type, 2);
    test::put_little(out, tag.count, 4);
    test::put_little(out, tag.value, 4);
  }
  test::put_little(out, next, 4);
  return out;
}

void expect_parts(const test::Bytes& file, std::uint64_t largest, std::uint32_t tile_height,
                  int page = 0) {
  const TiffParts parts = parts_of_tiff(file, page);
  EXPECT_EQ(parts.largest_bytes, largest);
  EXPECT_EQ(parts.tile_height, tile_height);
}

/// With so many bytes more behind the folder.
test::Bytes longer(test::Bytes file, std::size_t bytes) {
  file.resize(file.size() + bytes);
  return file;
}

TEST(TiffParts, TheLargestStripCounts) {
  expect_parts(longer(tiff_of({{259, kShort, 1, 1}, {279, kShort, 2, 300U << 16 | 70}}), 400), 300,
               0);
  expect_parts(longer(tiff_of({{259, kShort, 1, 8}, {279, kShort, 2, 70U << 16 | 300}}), 400), 300,
               0);
}

TEST(TiffParts, ASingleStripCountsWhereItIsPacked) {
  expect_parts(longer(tiff_of({{259, kShort, 1, 8}, {279, kLong, 1, 1234}}), 2000), 1234, 0);
  expect_parts(longer(tiff_of({{259, kShort, 1, 1}, {279, kLong, 1, 1234}}), 2000), 0, 0);
  expect_parts(longer(tiff_of({{279, kLong, 1, 1234}}), 2000), 0, 0);
}

TEST(TiffParts, TilesHaveAHeight) {
  const auto file = tiff_of({{259, kShort, 1, 1}, {323, kLong, 1, 512}, {325, kLong, 1, 7864}});
  expect_parts(longer(file, 9000), 7864, 512);
}

TEST(TiffParts, EachPageHasItsOwn) {
  auto file = tiff_of({{259, kShort, 1, 1}, {279, kShort, 2, 50U << 16 | 40}}, 38);
  const auto second = tiff_of({{259, kShort, 1, 8}, {279, kLong, 1, 5}});
  ASSERT_EQ(file.size(), 38U);
  file.insert(file.end(), second.begin() + 8, second.end());
  expect_parts(file, 50, 0);
  expect_parts(file, 5, 0, 1);
  expect_parts(file, 0, 0, 7);
}

// A file holds no more than it has: nonsense counts as all of it, neither as more nor as less.
TEST(TiffParts, WhatIsNotStatedOrImpossibleIsTheFile) {
  constexpr std::uint32_t kRational = 5;
  for (const auto& tags :
       std::vector<std::vector<Tag>>{{{259, kShort, 1, 8}, {279, kLong, 1, 4000000000}},
                                     {{259, kShort, 1, 8}, {279, kLong, 4000000000, 8}},
                                     {{259, kShort, 1, 8}, {279, kRational, 1, 8}},
                                     {{259, kShort, 1, 8}, {279, kLong, 1, 0}},
                                     {{259, kShort, 1, 8}}}) {
    const auto file = tiff_of(tags);
    expect_parts(file, file.size(), 0);
  }
  const auto tall = tiff_of({{323, kLong, 1, 4000000000}});
  expect_parts(tall, tall.size(), 1 << 24);
}

TEST(TiffParts, WhatIsNoTiffHasNone) {
  expect_parts({}, 0, 0);
  expect_parts({'n', 'o', ' ', 't', 'i', 'f', 'f', '!', '!'}, 0, 0);
  const auto whole = tiff_of({{259, kShort, 1, 8}, {279, kLong, 1, 12}});
  constexpr std::size_t kTwoEntries = 8 + 2 * 12;
  for (std::size_t length = 0; length < kTwoEntries; ++length)
    expect_parts({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}, 0, 0);
}

}  // namespace
}  // namespace chiaro::image::tiff_parts_test
