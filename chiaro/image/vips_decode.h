// A picture file through libvips into an Image. Internal to the room.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "chiaro/image/codec.h"
#include "chiaro/image/jpeg_header.h"
#include "chiaro/image/sniff.h"
#include "chiaro/image/vips_session.h"

namespace chiaro::image {

constexpr int kFirstPage = -1;  ///< nobody asked for a certain one

/// An opened file: its header is known, its pixels are not decoded yet.
struct OpenedPicture {
  std::string name;  ///< for messages
  Sniffed type;
  JpegHeader jpeg;
  std::vector<TextBlock> png_texts;
  VipsSourcePointer source;
  VipsImagePointer header;
  int page = kFirstPage;
};

/// `page`: of a TIFF, by number from 0; kFirstPage: the first, whatever the format, with a note of
/// others. Errors: Input (missing, a folder, unreadable, empty, not a picture, damaged header, no
/// such page).
OpenedPicture open_picture(const std::filesystem::path& path, int page = kFirstPage);
OpenedPicture open_picture(std::span<const std::byte> bytes, const std::string& name,
                           int page = kFirstPage);

/// Of a BMP, whose loader decodes all of it to tell, by its first bytes. Errors: as open_picture.
Probe probe_picture(const std::filesystem::path& path);
Probe probe_picture(std::span<const std::byte> bytes, const std::string& name);

/// Decodes once, row by row. Errors: Input (damaged, truncated, too large, unknown kind of
/// samples), Interrupted.
Image decode_picture(const OpenedPicture& picture, const ReadOptions& options);

}  // namespace chiaro::image
