// Files that are no pictures, or no longer, and what is said of each.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/base/rng.h"
#include "chiaro/image/codec.h"
#include "tests/image/handmade_files.h"
#include "tests/support/bytes.h"

namespace chiaro::test {

struct BadPicture {
  std::string name;
  std::vector<std::byte> bytes;
  std::string says;  ///< a part of the message
};

/// The first half of a picture of random values.
inline std::vector<std::byte> half_of_picture(const std::string& format) {
  image::Image picture(3, 20, 30);
  Rng rng(11);
  for (float& value : picture.pixels()) value = static_cast<float>(rng.uniform());
  auto bytes = image::encode(picture, {.format = format});
  bytes.resize(bytes.size() / 2);
  return bytes;
}

/// A PNG of 3.6 · 10⁹ pixels by its header, and none of them.
inline std::vector<std::byte> huge_by_header() {
  const auto png =
      image::test::make_png({.width = 60000, .height = 60000, .bits = 8, .colour = 2, .rows = {}});
  const auto view = std::as_bytes(std::span(png));
  return {view.begin(), view.end()};
}

inline std::vector<BadPicture> bad_pictures() {
  return {{"empty.png", {}, "is empty"},
          {"cut.png", half_of_picture("png"), "damaged or truncated"},
          {"cut.jpg", half_of_picture("jpeg"), "damaged or truncated"},
          {"text.jpg", bytes_of("this is a letter, not a picture"), "is not a picture"},
          {"huge.png", huge_by_header(), "60000x60000"}};
}

/// Writes them all into the folder.
inline void put_bad_pictures(const std::filesystem::path& folder) {
  for (const BadPicture& bad : bad_pictures()) write_file_atomically(folder / bad.name, bad.bytes);
}

}  // namespace chiaro::test
