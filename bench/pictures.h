// Pictures to measure with.
#pragma once

#include "chiaro/image/image.h"

namespace chiaro::bench {

/// RGB with edges, ramps and a little noise, so that codecs have something to do; always the same.
image::Image test_picture(int height, int width);

}  // namespace chiaro::bench
