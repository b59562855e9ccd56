// Random numbers by the plane: what several degradations are built from.
#pragma once

#include <span>
#include <vector>

#include "chiaro/base/rng.h"

namespace chiaro::degrade {

/// A standard normal number by the ziggurat method (Marsaglia & Tsang, 2000, with Doornik's 128
/// blocks of 2005): several times faster than Rng::normal.
float fast_normal(Rng& rng);

/// Fills with independent standard normal numbers.
void fill_normal(std::span<float> values, Rng& rng);

/// A smooth random landscape (H,W) in [0,1], both ends reached unless the picture is a single pixel
/// (0.5): `octaves` lattices of random heights, the coarsest with about `cells` cells along the
/// longer side, each further one twice as fine and half as high, interpolated with continuous
/// slope.
std::vector<float> smooth_field(int height, int width, double cells, int octaves, Rng& rng);

}  // namespace chiaro::degrade
