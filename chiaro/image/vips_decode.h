// A picture file through libvips into an Image. Internal to the room.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "chiaro/image/codec.h"
#include "chiaro/image/jpeg_header.h"
#include "chiaro/image/resolution.h"
#include "chiaro/image/sniff.h"
#include "chiaro/image/strips.h"
#include "chiaro/image/vips_session.h"

namespace chiaro::image {

constexpr int kFirstPage = -1;  ///< nobody asked for a certain one

/// What is asked of a damaged file.
enum class Demand {
  Whole,      ///< nothing: it is refused
  Beginning,  ///< the rows before the first fault
  Anything    ///< of a JPEG also what libjpeg makes of the rest: grey where there is nothing
};

/// An opened file: its header is known, its pixels are not decoded yet.
struct OpenedPicture {
  std::string name;  ///< for messages
  Sniffed type;
  JpegHeader jpeg;
  PngDensity png_density;
  std::vector<TextBlock> png_texts;
  FurtherChunks further_chunks;
  std::vector<std::string> notes;  ///< of what is left out
  std::string fault;  ///< what is wrong with the file behind its header, as far as that is known
  VipsSourcePointer source;
  VipsImagePointer header;
  int page = kFirstPage;
};

/// How many pictures a file holds, as far as its loader tells.
int pictures_in(const OpenedPicture& picture);

/// `page`: of a TIFF, by number from 0; kFirstPage: the first, whatever the format, with a note of
/// others. Errors: Input (missing, a folder, unreadable, empty, not a picture, damaged header, no
/// such page).
OpenedPicture open_picture(const std::filesystem::path& path, int page = kFirstPage,
                           Demand demand = Demand::Whole);
OpenedPicture open_picture(std::span<const std::byte> bytes, const std::string& name,
                           int page = kFirstPage, Demand demand = Demand::Whole);

/// Of a BMP, whose loader decodes all of it to tell, by its first bytes. Errors: as open_picture.
Probe probe_picture(const std::filesystem::path& path, Demand demand = Demand::Whole);
Probe probe_picture(std::span<const std::byte> bytes, const std::string& name,
                    Demand demand = Demand::Whole);

/// Decodes once, row by row. Errors: Input (damaged, truncated, too large, unknown kind of
/// samples), Interrupted.
Image decode_picture(const OpenedPicture& picture, const ReadOptions& options);

/// A picture of which rows may be missing.
struct DecodedRows {
  Image picture;
  int rows = 0;       ///< as stored, from the first on, before one that cannot be decoded
  std::string fault;  ///< why the rest is grey, and opaque; "" where nothing is missing
};

/// As decode_picture, but a fault behind the first rows is told. Errors: Input (there are no rows
/// before the fault), as decode_picture.
DecodedRows decode_rows(const OpenedPicture& picture, const ReadOptions& options,
                        Notes notes = Notes::Said);

}  // namespace chiaro::image
