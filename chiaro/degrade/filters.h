// Convolution of pictures with mirrored edges.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "chiaro/base/rng.h"
#include "chiaro/image/image.h"

namespace chiaro::degrade {

/// A point-spread function on a square of side 2·radius + 1; weights[(dy + radius)·side + dx +
/// radius] is how much of a point's light lands at offset (dy, dx).
struct Psf {
  int radius = 0;
  std::vector<float> weights = {1.0F};
  int side() const { return 2 * radius + 1; }
};

/// Makes the weights sum to one. Errors: Internal if they sum to nothing.
void normalize(Psf& psf);

/// A Gaussian ellipse: deviations along and across `angle_deg` (counter-clockwise from the x axis).
Psf gaussian_psf(double sigma_px, double ratio, double angle_deg);

/// A uniform disc with an antialiased rim.
Psf disc_psf(double radius_px);

/// A polyline of points (y, x) in pixels relative to the centre, each segment spread evenly along
/// its length.
Psf path_psf(std::span<const std::pair<double, double>> points);

/// Every channel convolved with the PSF.
void convolve(image::Image& picture, const Psf& psf);

/// One plane blurred by an isotropic Gaussian, separably; sigma 0 leaves it alone.
void blur_plane(std::span<float> plane, int height, int width, double sigma_px);

/// The deviation that blur_plane leaves of white noise of deviation one (away from the edges).
double blurred_deviation(double sigma_px);

/// blur_plane on every channel.
void gaussian_blur_in_place(image::Image& picture, double sigma_px);

/// Mean over squares of side 2·radius + 1 (cut off at the edges), in time independent of the
/// radius.
void box_mean(std::span<float> plane, int height, int width, int radius);

}  // namespace chiaro::degrade
