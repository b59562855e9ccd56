// What a file carries beside its pixels, in one form for all formats. Internal to the room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "chiaro/image/image.h"

struct _VipsImage;
struct _VipsSource;

namespace chiaro::image {

/// All of Metadata but the resolution and what only a JPEG's header tells.
/// `page`: which one of a TIFF the header is of, from 0.
Metadata read_metadata(_VipsImage* header, _VipsSource* source, const std::string& format,
                       int page);

/// Shows all bytes of a source, of which it holds none afterwards; nothing where they cannot be
/// had.
void show_whole(_VipsSource* source,
                const std::function<void(std::span<const std::uint8_t>)>& look);

/// The image resources of Metadata::iptc, without the heading.
std::span<const std::uint8_t> image_resources(std::span<const std::uint8_t> block);

/// Metadata::iptc as a TIFF has it. Resources that are nothing but the records stay out.
struct TiffBlocks;
TiffBlocks tiff_blocks(std::span<const std::uint8_t> block);

/// IPTC records wrapped as in a JPEG, and out again (empty where there are none).
std::vector<std::uint8_t> wrap_iptc(std::span<const std::uint8_t> records);
std::vector<std::uint8_t> unwrap_iptc(std::span<const std::uint8_t> block);

}  // namespace chiaro::image
