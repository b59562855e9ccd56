#include "chiaro/image/exr_chunks.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <OpenEXR/Iex.h>
#include <OpenEXR/ImfChannelList.h>
#include <OpenEXR/ImfCompression.h>
#include <OpenEXR/ImfPartType.h>
#include <OpenEXR/ImfTileDescription.h>
#include <OpenEXR/ImfVersion.h>

namespace chiaro::image {
namespace {

/// Whether OpenEXR finds out itself where a chunk that is not empty gives too little.
bool is_looked_at(Imf::Compression compression) {
  return compression != Imf::NO_COMPRESSION && compression != Imf::RLE_COMPRESSION &&
         compression != Imf::ZIPS_COMPRESSION && compression != Imf::ZIP_COMPRESSION;
}

std::uint64_t bytes_of(Imf::PixelType type) {
  return type == Imf::HALF ? 2 : 4;
}

/// The quotient, rounded down; divisor above 0.
std::int64_t floor_div(std::int64_t value, std::int64_t divisor) {
  return value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor);
}

/// How many bytes come out; nothing is kept of them. A stream that ends early or is damaged gives
/// what it gives.
std::uint64_t inflated_bytes(std::span<const char> packed) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return 0;
  std::vector<unsigned char> piece(std::size_t{1} << 16);
  std::uint64_t total = 0;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  for (int status = Z_OK; status == Z_OK;) {
    stream.next_out = piece.data();
    stream.avail_out = static_cast<uInt>(piece.size());
    status = inflate(&stream, Z_NO_FLUSH);
    total += piece.size() - stream.avail_out;
  }
  inflateEnd(&stream);
  return total;
}

/// Of runs as OpenEXR has them: a byte n, then -n bytes as they are, or one that stands n + 1
/// times.
std::uint64_t unrolled_bytes(std::span<const char> packed) {
  std::uint64_t total = 0;
  for (std::size_t at = 0; at < packed.size();) {
    const int n = static_cast<signed char>(packed[at]);
    total += static_cast<std::uint64_t>(n < 0 ? -n : n + 1);
    at += static_cast<std::size_t>(n < 0 ? 1 - n : 2);
  }
  return total;
}

/// Little-endian. Errors: Iex::InputExc.
std::uint64_t number_at(const ReadAt& read_at, std::uint64_t at, std::size_t bytes) {
  std::array<char, 8> read{};
  if (!read_at(at, std::span(read).first(bytes))) throw Iex::InputExc("the file ends too early");
  std::uint64_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<unsigned char>(read[i]);
  return value;
}

/// A name up to its closing zero, which `at` goes behind.
std::string name_at(const ReadAt& read_at, std::uint64_t& at) {
  constexpr std::size_t kLongest = 255;  // of OpenEXR
  std::string name;
  while (const auto letter = static_cast<char>(number_at(read_at, at++, 1))) {
    name += letter;
    if (name.size() > kLongest) throw Iex::InputExc("a name in its header is too long");
  }
  return name;
}

/// Errors: Iex::InputExc where so many bytes are not there.
void expect_bytes(const ReadAt& read_at, std::uint64_t at, std::uint64_t size) {
  if (size > 0) (void)number_at(read_at, at + size - 1, 1);
}

/// Texts, each behind its length.
void expect_texts_within(const ReadAt& read_at, std::uint64_t at, std::uint64_t end) {
  constexpr int kMost = 10'000;  // each takes more memory than its length in the file
  for (int texts = 0; at < end; ++texts) {
    if (texts == kMost) throw Iex::InputExc("a list of texts in its header is too long");
    at += 4 + number_at(read_at, at, 4);
    if (at > end) throw Iex::InputExc("a text in its header is longer than the header");
  }
}

}  // namespace

int rows_of_exr_chunk(Imf::Compression compression) {
  switch (compression) {
    case Imf::NO_COMPRESSION:
    case Imf::RLE_COMPRESSION:
    case Imf::ZIPS_COMPRESSION:
      return 1;
    case Imf::ZIP_COMPRESSION:
    case Imf::PXR24_COMPRESSION:
      return 16;
    case Imf::DWAB_COMPRESSION:
      return 256;
    default:
      return 32;
  }
}

std::uint64_t end_of_exr_headers(const ReadAt& read_at) {
  const bool several_parts = Imf::isMultiPart(static_cast<int>(number_at(read_at, 4, 4)));
  std::uint64_t at = 8;
  for (bool in_header = false;;) {
    if (name_at(read_at, at).empty()) {  // of several headers, an empty one is behind the last
      if (!several_parts || !in_header) return at;
      in_header = false;
      continue;
    }
    in_header = true;
    const std::string type = name_at(read_at, at);
    const std::uint64_t size = number_at(read_at, at, 4);
    at += 4;
    expect_bytes(read_at, at, size);
    if (type == "stringvector") expect_texts_within(read_at, at, at + size);
    at += size;
  }
}

ExrChunks::ExrChunks(ReadAt read_at, const Imf::Header& header, int version, std::uint64_t table_at)
    : read_at_(std::move(read_at)),
      header_(header),
      several_parts_(Imf::isMultiPart(version)),
      tiled_(several_parts_ ? header.hasType() && header.type() == Imf::TILEDIMAGE
                            : Imf::isTiled(version)),
      rows_together_(rows_of_exr_chunk(header.compression())),
      table_at_(table_at) {}

std::uint64_t ExrChunks::bytes_of_line(int y) const {
  const Imath::Box2i& window = header_.dataWindow();
  std::uint64_t bytes = 0;
  const Imf::ChannelList& list = header_.channels();
  for (auto one = list.begin(); one != list.end(); ++one) {
    const Imf::Channel& channel = one.channel();
    const std::int64_t step = std::max(1, channel.xSampling);
    if (floor_div(y, std::max(1, channel.ySampling)) * std::max(1, channel.ySampling) != y)
      continue;
    const std::int64_t samples =
        floor_div(window.max.x, step) - floor_div(std::int64_t{window.min.x} - 1, step);
    bytes += static_cast<std::uint64_t>(samples) * bytes_of(channel.type);
  }
  return bytes;
}

std::uint64_t ExrChunks::bytes_of_rows(std::int64_t first, std::int64_t last) const {
  std::uint64_t bytes = 0;
  for (std::int64_t y = first; y <= last; ++y) bytes += bytes_of_line(static_cast<int>(y));
  return bytes;
}

void ExrChunks::expect_chunk(std::int64_t index, std::uint64_t expected) const {
  const std::uint64_t at =
      number_at(read_at_, table_at_ + 8 * static_cast<std::uint64_t>(index), 8);
  const std::uint64_t head = (several_parts_ ? 4 : 0) + (tiled_ ? 16 : 4);
  const std::uint64_t size = number_at(read_at_, at + head, 4);
  if (size == expected) return;  // kept as it is, where packing does not make it smaller
  if (size > 0 && is_looked_at(header_.compression())) return;
  std::uint64_t given = size;
  if (size > 0 && size < expected && header_.compression() != Imf::NO_COMPRESSION) {
    expect_bytes(read_at_, at + head + 4, size);  // before memory is taken for them
    std::vector<char> packed(size);
    (void)read_at_(at + head + 4, packed);
    given = header_.compression() == Imf::RLE_COMPRESSION ? unrolled_bytes(packed)
                                                          : inflated_bytes(packed);
  }
  if (given != expected) throw Iex::InputExc("a part of it gives another number of pixels");
}

void ExrChunks::expect_rows(std::int64_t chunk) const {
  const Imath::Box2i& window = header_.dataWindow();
  const std::int64_t first = window.min.y + chunk * rows_together_;
  expect_chunk(chunk, bytes_of_rows(
                          first, std::min<std::int64_t>(first + rows_together_ - 1, window.max.y)));
}

void ExrChunks::expect_tiles(std::int64_t row) const {
  const Imath::Box2i& window = header_.dataWindow();
  const std::int64_t width = std::int64_t{window.max.x} - window.min.x + 1;
  const std::int64_t height = std::int64_t{window.max.y} - window.min.y + 1;
  const std::int64_t tile_width = header_.tileDescription().xSize;
  const std::int64_t tile_height = header_.tileDescription().ySize;
  std::uint64_t pixel = 0;
  const Imf::ChannelList& list = header_.channels();
  for (auto one = list.begin(); one != list.end(); ++one) pixel += bytes_of(one.channel().type);
  const std::int64_t across = (width + tile_width - 1) / tile_width;
  const std::int64_t rows = std::min(tile_height, height - row * tile_height);
  for (std::int64_t tile = 0; tile < across; ++tile) {
    const std::int64_t columns = std::min(tile_width, width - tile * tile_width);
    expect_chunk(row * across + tile, static_cast<std::uint64_t>(rows * columns) * pixel);
  }
}

void ExrChunks::expect_full(int first, int last) {
  const std::int64_t together = tiled_ ? header_.tileDescription().ySize : rows_together_;
  const auto chunk_of = [&](int y) {
    return (std::int64_t{y} - header_.dataWindow().min.y) / together;
  };
  for (std::int64_t chunk = chunk_of(first); chunk <= chunk_of(last); ++chunk) {
    if (chunk >= first_seen_ && chunk <= last_seen_) continue;
    if (tiled_) {
      expect_tiles(chunk);
    } else {
      expect_rows(chunk);
    }
  }
  first_seen_ = chunk_of(first);
  last_seen_ = chunk_of(last);
}

}  // namespace chiaro::image
