// Between sRGB-coded values and linear light.
#pragma once

namespace chiaro::image {

/// IEC 61966-2-1 from 0 to 1, straight on above (in its slope at 1) and symmetrical about 0. One
/// undoes the other.
float light_of_srgb(float coded);
float srgb_of_light(float light);

}  // namespace chiaro::image
