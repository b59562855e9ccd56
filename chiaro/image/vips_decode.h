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

/// An opened file: its header is known, its pixels are not decoded yet.
struct OpenedPicture {
  std::string name;  ///< for messages
  Sniffed type;
  JpegHeader jpeg;
  VipsSourcePointer source;
  VipsImagePointer header;
};

/// Errors: Input (missing, a folder, unreadable, empty, not a picture, damaged header).
OpenedPicture open_picture(const std::filesystem::path& path);
OpenedPicture open_picture(std::span<const std::byte> bytes, const std::string& name);

Probe probe_picture(const OpenedPicture& picture);

/// Decodes once, row by row. Errors: Input (damaged, truncated, too large, unknown kind of
/// samples).
Image decode_picture(const OpenedPicture& picture, const ReadOptions& options);

}  // namespace chiaro::image
