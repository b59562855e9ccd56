// Changing the size of planes by cubic convolution.
#pragma once

#include <span>
#include <vector>

namespace chiaro::degrade {

/// The plane (H,W) at another size by cubic convolution (Keys, 1981, a = −1/2) with mirrored edges
/// and aligned corners of pixel areas; the kernel widens where the size falls, so that nothing
/// aliases.
std::vector<float> resize_cubic(std::span<const float> plane, int height, int width, int to_height,
                                int to_width);

}  // namespace chiaro::degrade
