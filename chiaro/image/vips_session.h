// What every use of libvips in this room needs: start-up, ownership, error texts. Internal to the
// room.
#pragma once

#include <memory>
#include <string>

struct _VipsImage;
struct _VipsRegion;
struct _VipsSource;

namespace chiaro::image {

struct ReleaseObject {
  void operator()(void* object) const;  ///< g_object_unref
};
using VipsImagePointer = std::unique_ptr<_VipsImage, ReleaseObject>;
using VipsRegionPointer = std::unique_ptr<_VipsRegion, ReleaseObject>;
using VipsSourcePointer = std::unique_ptr<_VipsSource, ReleaseObject>;

/// Starts libvips at the first call; any thread. Errors: Internal.
void start_vips();

/// Loads the optional module of libvips that reads `format` ("heif", "jxl", "bmp"), if it is
/// installed.
void load_vips_module(const std::string& format);

/// The pending error text of libvips in one line, which is cleared; "unknown fault" where there is
/// none. Errors: Resource, where that is what it speaks of.
std::string take_vips_error();

}  // namespace chiaro::image
