// Gaussian blur, round or elliptic: soft focus, diffusion, resampling without detail.
#include "chiaro/degrade/catalogue.h"
#include "chiaro/degrade/filters.h"

namespace chiaro::degrade {
namespace {

constexpr double kWidestSigma = 5;

struct GaussianBlurOptions {
  double sigma_px = 1.6;
  double ratio = 1;
  double angle_deg = 0;
  static Fields<GaussianBlurOptions> fields() {
    return {
        field("sigma_px", &GaussianBlurOptions::sigma_px, "standard deviation along the long axis",
              {.min = 0, .max = 50, .unit = "px"}),
        field("ratio", &GaussianBlurOptions::ratio, "short axis over long axis",
              {.min = 0.05, .max = 1}),
        field("angle_deg", &GaussianBlurOptions::angle_deg,
              "direction of the long axis, counter-clockwise from horizontal",
              {.min = -180, .max = 180, .unit = "degrees"}),
    };
  }
};

void blur(Image& picture, const GaussianBlurOptions& options, Rng&, const Inputs&) {
  if (options.sigma_px <= 0) return;
  if (options.ratio == 1) {
    gaussian_blur_in_place(picture, options.sigma_px);
  } else {
    convolve(picture, gaussian_psf(options.sigma_px, options.ratio, options.angle_deg));
  }
}

}  // namespace

Entry gaussian_blur() {
  return define<GaussianBlurOptions>({
      .name = "gaussian_blur",
      .summary = "round or elliptic Gaussian blur",
      .reference = "K. Zhang et al., Designing a Practical Degradation Model (BSRGAN), ICCV 2021, "
                   "arXiv:2103.14006",
      .kind = "blur",
      .ranges = {{"sigma_px", "0.8..3.5~log"}, {"ratio", "1|0.4..1"}, {"angle_deg", "-90..90"}},
      .random = false,
      .apply = blur,
      .severity = [](const GaussianBlurOptions& o) { return o.sigma_px / kWidestSigma; },
      .at_severity = [](double s) { return GaussianBlurOptions{.sigma_px = s * kWidestSigma}; },
  });
}

}  // namespace chiaro::degrade
