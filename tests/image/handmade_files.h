// Picture files put together byte by byte, so that the reader is judged by something other than its
// own writer.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "chiaro/image/image.h"

namespace chiaro::image::test {

using Bytes = std::vector<std::uint8_t>;

inline void put(Bytes& out, std::string_view text) {
  for (const char c : text) out.push_back(static_cast<std::uint8_t>(c));
}

inline void put_big(Bytes& out, std::uint32_t value, int count = 4) {
  for (int i = count - 1; i >= 0; --i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

inline void put_little(Bytes& out, std::uint32_t value, int count) {
  for (int i = 0; i < count; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

inline void save(const std::filesystem::path& path, const Bytes& bytes) {
  std::ofstream stream(path, std::ios::binary);
  stream.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
}

inline Bytes load(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

inline void put_png_chunk(Bytes& out, std::string_view type, const Bytes& body) {
  put_big(out, static_cast<std::uint32_t>(body.size()));
  const std::size_t start = out.size();
  put(out, type);
  out.insert(out.end(), body.begin(), body.end());
  put_big(out, static_cast<std::uint32_t>(
                   crc32(0, out.data() + start, static_cast<uInt>(out.size() - start))));
}

struct PngParts {
  std::uint32_t width;
  std::uint32_t height;
  int bits;    ///< per sample
  int colour;  ///< 0 grey, 2 RGB, 3 palette, 4 grey + alpha, 6 RGBA
  Bytes rows;  ///< unfiltered, without the filter bytes
  Bytes palette{};
  Bytes transparency{};
};

inline Bytes make_png(const PngParts& parts) {
  Bytes out;
  put(out, "\x89PNG\r\n\x1a\n");
  Bytes header;
  put_big(header, parts.width);
  put_big(header, parts.height);
  for (const int value : {parts.bits, parts.colour, 0, 0, 0})
    header.push_back(static_cast<std::uint8_t>(value));
  put_png_chunk(out, "IHDR", header);
  if (!parts.palette.empty()) put_png_chunk(out, "PLTE", parts.palette);
  if (!parts.transparency.empty()) put_png_chunk(out, "tRNS", parts.transparency);
  Bytes filtered;
  const std::size_t line = parts.rows.empty() ? 0 : parts.rows.size() / parts.height;
  for (std::size_t i = 0; i < parts.rows.size(); ++i) {
    if (i % line == 0) filtered.push_back(0);
    filtered.push_back(parts.rows[i]);
  }
  uLongf size = compressBound(static_cast<uLong>(filtered.size()));
  Bytes deflated(size);
  compress(deflated.data(), &size, filtered.data(), static_cast<uLong>(filtered.size()));
  deflated.resize(size);
  put_png_chunk(out, "IDAT", deflated);
  put_png_chunk(out, "IEND", {});
  return out;
}

struct TiffParts {
  std::uint32_t width;
  std::uint32_t height;
  std::uint32_t bits;         ///< per sample
  std::uint32_t samples;      ///< per pixel
  std::uint32_t photometric;  ///< 0 white is zero, 1 black is zero, 2 RGB, 5 inks
  Bytes data;
  std::uint32_t sample_format = 1;  ///< 1 unsigned, 2 signed, 3 float
  int extra = -1;  ///< meaning of an extra sample: 1 premultiplied alpha, 2 alpha; -1: no such
  std::uint32_t orientation = 1;
  Bytes icc{};
};

inline Bytes make_tiff(const TiffParts& parts) {
  Bytes out;
  put(out, std::string_view("II*\0", 4));
  const auto data_at = std::uint32_t{8};
  const auto even = [](std::size_t size) { return static_cast<std::uint32_t>((size + 1) / 2 * 2); };
  const std::uint32_t icc_at = data_at + even(parts.data.size());
  const std::uint32_t bits_at = icc_at + even(parts.icc.size());
  put_little(out, bits_at + 8 * 2, 4);
  out.insert(out.end(), parts.data.begin(), parts.data.end());
  out.resize(icc_at);
  out.insert(out.end(), parts.icc.begin(), parts.icc.end());
  out.resize(bits_at);
  for (int i = 0; i < 4; ++i) put_little(out, parts.bits, 2);
  for (int i = 0; i < 4; ++i) put_little(out, parts.sample_format, 2);
  struct Tag {
    std::uint32_t tag, type, count, value;
  };
  const bool in_place = parts.samples <= 2;
  const auto twice = [](std::uint32_t value) { return value << 16 | value; };
  std::vector<Tag> tags{
      {256, 4, 1, parts.width},
      {257, 4, 1, parts.height},
      {258, 3, parts.samples, in_place ? twice(parts.bits) : bits_at},
      {259, 3, 1, 1},
      {262, 3, 1, parts.photometric},
      {273, 4, 1, data_at},
      {274, 3, 1, parts.orientation},
      {277, 3, 1, parts.samples},
      {278, 4, 1, parts.height},
      {279, 4, 1, static_cast<std::uint32_t>(parts.data.size())},
      {284, 3, 1, 1},
  };
  if (parts.extra >= 0) tags.push_back({338, 3, 1, static_cast<std::uint32_t>(parts.extra)});
  tags.push_back({339, 3, parts.samples, in_place ? twice(parts.sample_format) : bits_at + 8});
  if (!parts.icc.empty())
    tags.push_back({34675, 7, static_cast<std::uint32_t>(parts.icc.size()), icc_at});
  put_little(out, static_cast<std::uint32_t>(tags.size()), 2);
  for (const Tag& tag : tags) {
    put_little(out, tag.tag, 2);
    put_little(out, tag.type, 2);
    put_little(out, tag.count, 4);
    put_little(out, tag.value, 4);
  }
  put_little(out, 0, 4);
  return out;
}

/// A picture with a different value everywhere, on the grid of `levels` + 1 values (255, 65535; 0:
/// any).
inline Image numbered(int channels, int height, int width, int levels) {
  Image picture(channels, height, width);
  std::uint32_t state = 12345;
  for (float& value : picture.pixels()) {
    state = state * 1664525U + 1013904223U;
    const std::uint32_t random = state >> 8;  // the low bits repeat soon
    const auto range = static_cast<std::uint32_t>(levels) + 1;
    value = levels == 0 ? static_cast<float>(random) / 16777216.0F
                        : static_cast<float>(random % range) / static_cast<float>(levels);
  }
  return picture;
}

inline void add_alpha(Image& picture, int levels) {
  const Image alpha = numbered(1, picture.height(), picture.width(), levels);
  picture.alpha.assign(alpha.pixels().begin(), alpha.pixels().end());
}

}  // namespace chiaro::image::test
