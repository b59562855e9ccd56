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

TEST(TiffParts, TheLargestStripCounts) {
  expect_parts(tiff_of({{259, kShort, 1, 1}, {279, kShort, 2, 300U << 16 | 70}}), 300, 0);
  expect_parts(tiff_of({{259, kShort, 1, 8}, {279, kShort, 2, 70U << 16 | 300}}), 300, 0);
}

TEST(TiffParts, ASingleStripCountsWhereItIsPacked) {
  expect_parts(tiff_of({{259, kShort, 1, 8}, {279, kLong, 1, 123456}}), 123456, 0);
  expect_parts(tiff_of({{259, kShort, 1, 1}, {279, kLong, 1, 123456}}), 0, 0);
  expect_parts(tiff_of({{279, kLong, 1, 123456}}), 0, 0);
}

TEST(TiffParts, TilesHaveAHeight) {
  expect_parts(tiff_of({{259, kShort, 1, 1}, {323, kLong, 1, 512}, {325, kLong, 1, 786432}}),
               786432, 512);
}

TEST(TiffParts, EachPageHasItsOwn) {
  auto file = tiff_of({{259, kShort, 1, 1}, {279, kShort, 2, 300U << 16 | 70}}, 38);
  const auto second = tiff_of({{259, kShort, 1, 8}, {279, kLong, 1, 5}});
  ASSERT_EQ(file.size(), 38U);
  file.insert(file.end(), second.begin() + 8, second.end());
  expect_parts(file, 300, 0);
  expect_parts(file, 5, 0, 1);
}

TEST(TiffParts, WhatIsDamagedHasNone) {
  expect_parts({}, 0, 0);
  expect_parts({'n', 'o', ' ', 't', 'i', 'f', 'f', '!', '!'}, 0, 0);
  const auto whole = tiff_of({{259, kShort, 1, 8}, {279, kLong, 1, 123456}});
  for (std::size_t length = 0; length + 4 < whole.size(); ++length)
    expect_parts({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}, 0, 0);
  expect_parts(tiff_of({{279, 99, 1, 123456}, {323, 99, 1, 64}}), 0, 0);
  expect_parts(tiff_of({{279, kLong, 4000000000, 8}}), 0, 0);
  expect_parts(whole, 0, 0, 7);
}

}  // namespace
}  // namespace chiaro::image::tiff_parts_test
