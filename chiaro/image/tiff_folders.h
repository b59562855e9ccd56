// EXIF out of a TIFF file and into one: a TIFF keeps in its own folders what other formats keep in
// an EXIF block. And pages, each of which has a folder. Plain TIFF and BigTIFF, which has room for
// files above 4 GiB. Internal to the room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace chiaro::image {

/// The descriptive tags of a TIFF's page (camera, time, author, exposure, place …) as an EXIF
/// block; empty where there are none, or where the file is damaged. `page` counts folders from 0.
std::vector<std::uint8_t> exif_of_tiff(std::span<const std::uint8_t> file, int page = 0);

/// What a TIFF's page has, at most 3 MiB each, of IPTC and of Photoshop's image resources, to the
/// byte: where their tags call them numbers, the file's byte order is not theirs.
struct TiffBlocks {
  std::vector<std::uint8_t> iptc;       ///< records
  std::vector<std::uint8_t> resources;  ///< which may hold the same records
};
TiffBlocks blocks_of_tiff(std::span<const std::uint8_t> file, int page = 0);

/// Bytes to be put over others of a file.
struct TiffPatch {
  std::size_t at = 0;
  std::vector<std::byte> bytes;
};

/// What a TIFF file needs to hold more. Its new folder leads to the data that the file has already.
struct TiffAddition {
  std::vector<std::uint8_t> tail;  ///< to be appended to the file; empty: nothing to add
  TiffPatch start = {};            ///< leads to the folder in the tail
};

/// Adds the descriptive tags of an EXIF block, and the blocks, to a little-endian TIFF of one page;
/// nothing where the result would be too large for a plain TIFF that the file is.
TiffAddition addition_to_tiff(std::span<const std::byte> file, std::span<const std::uint8_t> exif,
                              const TiffBlocks& blocks);

/// Which folders of a TIFF are what.
struct TiffPages {
  std::vector<int> whole;  ///< pictures of their own, by number from 0; the first always is
  int aside = 0;           ///< reduced copies of others, and masks (TIFF 6.0, NewSubfileType and
                           ///< SubfileType)
  bool cut_off = false;    ///< a page leads to another that is not in the file
};
TiffPages pages_of_tiff(std::span<const std::uint8_t> file);

/// What makes a file show one of its folders alone, which counts from 0; empty where there is no
/// such.
std::vector<TiffPatch> patches_for_lone_page(std::span<const std::uint8_t> file, int page);

/// How a page's pixels lie in the file.
struct TiffParts {
  std::uint64_t largest_bytes = 0;  ///< of a strip or tile in the file, which is read as a whole
  std::uint32_t tile_height = 0;    ///< 0: strips
};
/// Nothing where there is no such page, or where its only strip is not packed: that is read row by
/// row. `page` counts folders from 0.
TiffParts parts_of_tiff(std::span<const std::uint8_t> file, int page);

/// Puts little-endian TIFF files of one page each behind one another, as pages of one file, whose
/// new folders lead to the data within the pages' files. It holds nothing of what it gave.
class TiffJoiner {
 public:
  /// `large`: a BigTIFF.
  TiffJoiner(int pages, bool large) : pages_(pages), large_(large) {}

  /// What the file begins with, before the first page.
  std::vector<std::byte> header();

  struct Joined {
    std::vector<std::byte> before;  ///< padding, to be appended before the page's file …
    std::vector<std::byte> after;   ///< … and what is to be appended behind it
    TiffPatch link;                 ///< leads to the page
  };
  /// Errors: Internal (no such file; a plain TIFF would grow beyond 4 GiB).
  Joined add(std::span<const std::byte> page);

 private:
  int pages_;
  bool large_;
  int page_ = 0;
  std::size_t end_ = 0;      // of the file so far
  std::size_t link_at_ = 0;  // where the offset of the next page's folder belongs
};

}  // namespace chiaro::image
