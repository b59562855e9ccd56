// What can be said of a result's file before there is a result.
#pragma once

#include "chiaro/image/codec.h"

namespace chiaro::image {

/// Refuses what write and encode would refuse of a picture of this size, so that no work is done in
/// vain. options.format must be set. Errors: Usage (unknown format, impossible quality, too large
/// for the format).
void check_encodable(int height, int width, const WriteOptions& options);

}  // namespace chiaro::image
