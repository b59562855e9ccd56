// One page of a TIFF for libvips, which otherwise reads the folders of all pages to open one: a
// file of n pages would take n² folders. Internal to the room.
#pragma once

#include "chiaro/image/vips_session.h"

namespace chiaro::image {

/// What `source` holds, as if the page were its only one; empty where it has no such page. It reads
/// from `source` and keeps it. `page` counts folders from 0.
VipsSourcePointer lone_tiff_page(_VipsSource* source, int page);

}  // namespace chiaro::image
