// Everything a picture file carries beside its pixels, read from its blocks and not through the
// reader that fills Metadata, so that what that reader passes over is seen too. Internal to the
// room.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace chiaro::image {

/// From a name ("EXIF Artist", "ICC profile", "IPTC Keywords", "PNG text 'Title'") to bytes that
/// are equal where the content is: few whole numbers and fractions as text ("125", "1/60"), others
/// as little-endian bytes, without what the pixels or the container
/// decide (sizes, orientation, thumbnails, padding).
using Inventory = std::map<std::string, std::string>;

/// Of a JPEG, PNG, WebP or TIFF file, by its content; empty for others. Damaged parts are passed
/// over. `page`: of a TIFF, by number from 0; the first tells of the others how many they are.
Inventory take_inventory(std::span<const std::uint8_t> file, int page = 0);

/// Of a TIFF structure: `as_file` for a page of a TIFF file, else an EXIF block. Adds to `items`.
void take_tiff_inventory(std::span<const std::uint8_t> tiff, bool as_file, Inventory& items,
                         int page = 0);

/// Of Photoshop image resources ("8BIM" …), among them IPTC. Adds to `items`.
void take_resource_inventory(std::string_view resources, Inventory& items);
/// Of IPTC records. Adds to `items`.
void take_iptc_inventory(std::string_view records, Inventory& items);
/// Of an XMP packet. Adds to `items`.
void take_xmp_inventory(std::string_view packet, Inventory& items);

}  // namespace chiaro::image
