// What an OpenEXR header says beside the pixels, as bytes that can be carried along. Internal to
// the room.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <OpenEXR/ImfHeader.h>

namespace chiaro::image {

/// All attributes but those that say how the pixels are stored (channels, compression, tiles, …)
/// and the preview. In a form of this room.
std::vector<std::uint8_t> pack_attributes(const Imf::Header& header);

/// Puts packed attributes into the header of a picture of this size: the windows only if they are
/// of this size. What is damaged is left out.
void unpack_attributes(std::span<const std::uint8_t> packed, int width, int height,
                       Imf::Header& header);

/// From the names of packed attributes to their bytes, without what other blocks or the pixels tell
/// (windows that agree, density, chromaticities, the usual pixel shape).
std::map<std::string, std::string> listed_attributes(std::span<const std::uint8_t> packed);

}  // namespace chiaro::image
