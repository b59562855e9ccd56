// Radiance pictures (.hdr, .pic) through libvips, which reads the pixels but not how they lie, and
// writes a header of its own. Internal to the room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "chiaro/image/vips_session.h"

namespace chiaro::image {

inline constexpr const char* kRadianceHeader = "chiaro-radiance-header";  ///< blob, lines

/// Floats of linear light with a profile that says so, and the orientation that the header states.
/// Errors: Input (damaged header, colours as XYZ).
VipsImagePointer open_radiance(_VipsSource* source, const std::string& name);

/// The start of a file that libvips wrote, with these lines in place of its own. It must hold the
/// whole header.
std::vector<std::byte> with_radiance_header(std::span<const std::byte> coded,
                                            std::span<const std::uint8_t> lines);

/// From what the lines name ("Radiance VIEW", "Radiance comment") to what they say.
std::map<std::string, std::string> listed_radiance(std::span<const std::uint8_t> lines);

}  // namespace chiaro::image
