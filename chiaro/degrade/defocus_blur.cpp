// Defocus: every point becomes a disc, the image of the aperture.
#include "chiaro/degrade/catalogue.h"
#include "chiaro/degrade/filters.h"

namespace chiaro::degrade {
namespace {

constexpr double kWidestRadius = 8;

struct DefocusBlurOptions {
  double radius_px = 3;
  static Fields<DefocusBlurOptions> fields() {
    return {field("radius_px", &DefocusBlurOptions::radius_px, "radius of the disc",
                  {.min = 0, .max = 60, .unit = "px"})};
  }
};

void blur(Image& picture, const DefocusBlurOptions& options, Rng&, const Inputs&) {
  if (options.radius_px > 0.5) convolve(picture, disc_psf(options.radius_px));
}

}  // namespace

Entry defocus_blur() {
  return define<DefocusBlurOptions>({
      .name = "defocus_blur",
      .summary = "out-of-focus blur by a disc",
      .reference = "M. Potmesil and I. Chakravarty, Synthetic image generation with a lens and "
                   "aperture camera model, ACM TOG 1982",
      .kind = "blur",
      .ranges = {{"radius_px", "1.2..6~log"}},
      .random = false,
      .apply = blur,
      .severity = [](const DefocusBlurOptions& o) { return o.radius_px / kWidestRadius; },
      .at_severity = [](double s) { return DefocusBlurOptions{.radius_px = s * kWidestRadius}; },
  });
}

}  // namespace chiaro::degrade
