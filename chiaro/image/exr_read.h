// OpenEXR files as images of libvips. Its own loader gives 16-bit floats, from files alone, and
// drops what the header says. Internal to the room.
#pragma once

#include <string>

#include "chiaro/image/vips_session.h"

namespace chiaro::image {

/// Fields of the image that say what libvips has no name for.
inline constexpr const char* kExrAttributes = "chiaro-exr-attributes";  ///< blob, packed
inline constexpr const char* kExrHalf = "chiaro-exr-half";              ///< int, set: 16-bit floats
inline constexpr const char* kExrLeftOut = "chiaro-exr-left-out";  ///< string: further channels

inline constexpr const char* kExrTileRows =
    "chiaro-exr-tile-rows";  ///< int: held while one is read
inline constexpr const char* kExrChunkRows =
    "chiaro-exr-chunk-rows";  ///< int: the same of a picture without tiles

/// Floats, linear light, with a profile that says so: R, G, B or Y, and A, which is multiplied into
/// the colours. Of several parts the first. Only the header is read; rows are decoded when they are
/// asked for. Errors: Input (damaged, without such channels, subsampled, deep, impossible size).
VipsImagePointer open_exr(_VipsSource* source, const std::string& name);

}  // namespace chiaro::image
