// Other pictures that could have been taken: what makes few scenes look like more.
#pragma once

#include <array>
#include <functional>

#include "chiaro/base/rng.h"
#include "chiaro/image/image.h"

namespace chiaro::data {

/// Another exposure, contrast, black level up to `mist`, white level, saturation of an RGB picture
/// in [0,1]. The ranges are a choice: from clearly dim to misty, as photographs are.
void vary_tones(image::Image& picture, double mist, Rng& rng);

/// Puts half to nine tenths of an RGB picture behind a plain wall or sky: a mean brightness of 0.25
/// to 0.95, little colour, a slope of brightness in one direction, next to no structure, a grain of
/// at most one level of 255. What stays of the picture stands in front of it as one or two patches
/// with outlines of any shape. All ranges are a choice. Pale and without contrast, this is what air
/// looks like to a network that has seen no such walls.
void put_before_backdrop(image::Image& picture, Rng& rng);

/// What is done to the three values of a pixel: its rows sum to 1, so that greys stay what they
/// are. Air of any grey then veils the new colours as it veiled the old: for hazy = clean t + A (1
/// - t) recolouring both sides keeps t and A.
using ColourMatrix = std::array<std::array<float, 3>, 3>;

/// Channels exchanged, saturation times 0.3 to 1.2.
ColourMatrix draw_colours(Rng& rng);

/// Values are clamped to [0,1].
void recolour(image::Image& picture, const ColourMatrix& matrix);

/// Another size by cubic convolution (degrade::resize_cubic), free of aliases, clamped to [0,1].
image::Image resized(const image::Image& picture, int height, int width);

/// `factor` above 1: a square RGB picture is made so many times as large, damaged, and reduced
/// again; below 1: reduced, damaged and enlarged again. `clean` goes the same way undamaged, since
/// what that takes from it is none of the damage. All by cubic convolution. `damage`: gives a
/// picture of the same size. Returns the damaged one.
image::Image damaged_at_other_size(image::Image& clean, double factor,
                                   const std::function<image::Image(const image::Image&)>& damage);

/// damaged := clean + strength (damaged - clean), clamped to [0,1]. Both of one size.
void scale_damage(image::Image& damaged, const image::Image& clean, double strength);

}  // namespace chiaro::data
