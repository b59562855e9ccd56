// Camera noise: the variance grows with the light, x = y + √(a·y + b)·n, and processing in the
// camera leaves grains of several pixels that the channels share in part. In the linear domain a
// and b belong to linear light (as on the sensor), which makes shadows noisier than highlights once
// coded; the noise is carried over to first order.
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "chiaro/degrade/catalogue.h"
#include "chiaro/degrade/filters.h"
#include "chiaro/degrade/random_fields.h"
#include "chiaro/degrade/storage.h"

namespace chiaro::degrade {
namespace {

constexpr double kStrongest = 75;  // deviation at mid grey of severity 1, 0-255 scale

struct PoissonGaussianOptions {
  double shot_u8 = 30;
  double read_u8 = 5;
  std::string domain = "coded";
  double grain_px = 0;
  double grey_share = 0;
  std::string storage = "round";
  static Fields<PoissonGaussianOptions> fields() {
    return {
        field("shot_u8", &PoissonGaussianOptions::shot_u8,
              "deviation of photon noise at white, on the 0-255 scale; falls with the square root",
              {.min = 0, .max = 255}),
        field("read_u8", &PoissonGaussianOptions::read_u8,
              "deviation of reading noise, on the 0-255 scale", {.min = 0, .max = 255}),
        field("domain", &PoissonGaussianOptions::domain,
              "whether the two deviations belong to coded values or to linear light",
              {.choices = {"coded", "linear"}}),
        field("grain_px", &PoissonGaussianOptions::grain_px,
              "size of the grain: deviation of the Gaussian that correlates neighbours; 0: white",
              {.min = 0, .max = 10, .unit = "px"}),
        field("grey_share", &PoissonGaussianOptions::grey_share,
              "share of the variance that all channels have in common", {.min = 0, .max = 1}),
        field("storage", &PoissonGaussianOptions::storage,
              "how the result is kept: rounded or cut off to 8 bit, or float",
              {.choices = storage_conventions()}),
    };
  }
};

/// Standard normal numbers, correlated over `grain_px`.
std::vector<float> grain(int height, int width, double grain_px, Rng& rng) {
  std::vector<float> field(static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
  fill_normal(field, rng);
  if (grain_px > 0) {
    blur_plane(field, height, width, grain_px);
    const auto scale = static_cast<float>(1 / blurred_deviation(grain_px));
    for (float& value : field) value *= scale;
  }
  return field;
}

constexpr std::size_t kTableSize = 512;

/// The deviation for coded values 0, 1/512, … 1.
std::array<float, kTableSize + 1> deviation_table(const PoissonGaussianOptions& options) {
  const double shot = std::pow(options.shot_u8 / 255, 2);
  const double read = std::pow(options.read_u8 / 255, 2);
  std::array<float, kTableSize + 1> table{};
  for (std::size_t i = 0; i <= kTableSize; ++i) {
    const double coded = static_cast<double>(i) / kTableSize;
    double light = coded;
    double slope = 1;  // of light over coded: IEC 61966-2-1
    if (options.domain == "linear") {
      const bool toe = coded <= 0.04045;
      light = toe ? coded / 12.92 : std::pow((coded + 0.055) / 1.055, 2.4);
      slope = toe ? 1 / 12.92 : 2.4 / 1.055 * std::pow((coded + 0.055) / 1.055, 1.4);
    }
    table[i] = static_cast<float>(std::sqrt(shot * light + read) / slope);
  }
  return table;
}

void add_noise(Image& picture, const PoissonGaussianOptions& options, Rng& rng, const Inputs&) {
  const auto table = deviation_table(options);
  std::vector<float> common;
  if (options.grey_share > 0) {
    common = grain(picture.height(), picture.width(), options.grain_px, rng);
  }
  const auto shared = static_cast<float>(std::sqrt(options.grey_share));
  const auto own = static_cast<float>(std::sqrt(1 - options.grey_share));
  for (int c = 0; c < picture.channels(); ++c) {
    auto noise = grain(picture.height(), picture.width(), options.grain_px, rng);
    for (std::size_t i = 0; i < common.size(); ++i) noise[i] = own * noise[i] + shared * common[i];
    auto plane = picture.plane(c);
    for (std::size_t i = 0; i < plane.size(); ++i) {
      const float limited = plane[i] > 0.0F ? (plane[i] < 1.0F ? plane[i] : 1.0F) : 0.0F;
      const auto index = static_cast<std::size_t>(limited * kTableSize + 0.5F);
      plane[i] += table[index] * noise[i];
    }
  }
  store(picture.pixels(), options.storage);
}

}  // namespace

Entry poisson_gaussian() {
  return define<PoissonGaussianOptions>({
      .name = "poisson_gaussian",
      .summary = "camera noise that grows with the light, with grain",
      .reference = "A. Foi et al., Practical Poissonian-Gaussian noise modeling and fitting for "
                   "single-image raw-data, IEEE TIP 2008",
      .kind = "noise",
      .ranges = {{"shot_u8", "5..60~log"},
                 {"read_u8", "1..15~log"},
                 {"domain", "coded|linear"},
                 {"grain_px", "0|0.3..1.2"},
                 {"grey_share", "0|0..0.8"}},
      .apply = add_noise,
      .severity =
          [](const PoissonGaussianOptions& o) {
            return std::sqrt(0.5 * o.shot_u8 * o.shot_u8 + o.read_u8 * o.read_u8) / kStrongest;
          },
      .at_severity =
          [](double s) {  // three parts photons, one part reading
            return PoissonGaussianOptions{.shot_u8 = s * kStrongest * std::sqrt(1.5),
                                          .read_u8 = s * kStrongest * 0.5};
          },
  });
}

}  // namespace chiaro::degrade
