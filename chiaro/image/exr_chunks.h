// Whether the packed parts of an OpenEXR file give all the pixels they stand for. Internal to the
// room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include <OpenEXR/ImfHeader.h>

namespace chiaro::image {

/// Bytes of a file from a place on; false where it ends before.
using ReadAt = std::function<bool(std::uint64_t at, std::span<char> bytes)>;

/// Where the headers of an OpenEXR file end, and the places of its parts stand. OpenEXR takes and
/// clears the memory that an attribute claims before it reads it: one that claims more than the
/// file has is found here first. Errors: Iex::InputExc.
std::uint64_t end_of_exr_headers(const ReadAt& read_at);

/// Rows that are packed together where there are no tiles.
int rows_of_exr_chunk(Imf::Compression compression);

/// OpenEXR takes a part that gives fewer bytes than its rows need, and what stood in memory before
/// becomes pixels: one that is empty, or not packed at all, or packed as RLE or ZIP. Here they are
/// found first.
class ExrChunks {
 public:
  /// `header`: of the first part of the file, whose version field is `version`, and whose headers
  /// end at `table_at`. It must outlive this.
  ExrChunks(ReadAt read_at, const Imf::Header& header, int version, std::uint64_t table_at);

  /// Looks at the parts with the rows [first, last] of the data window. Errors: Iex::InputExc.
  void expect_full(int first, int last);

 private:
  std::uint64_t bytes_of_line(int y) const;
  std::uint64_t bytes_of_rows(std::int64_t first, std::int64_t last) const;
  void expect_rows(std::int64_t chunk) const;
  void expect_tiles(std::int64_t row) const;
  void expect_chunk(std::int64_t index, std::uint64_t expected) const;

  ReadAt read_at_;
  const Imf::Header& header_;
  bool several_parts_;
  bool tiled_;
  int rows_together_;            // of a chunk that is no tile
  std::uint64_t table_at_;       // where the places of the chunks stand
  std::int64_t first_seen_ = 0;  // chunks or rows of tiles, the last that were looked at
  std::int64_t last_seen_ = -1;
};

}  // namespace chiaro::image
