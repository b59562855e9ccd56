// Additive white Gaussian noise, x = y + n with n ~ N(0, (σ/255)²).
//
// Three conventions of storing the result are in use and not comparable: clipped and rounded to 8
// bit, clipped and cut off to 8 bit (AirNet, PromptIR and their line: darker by half a level), or
// clipped and kept in float.
#include "chiaro/degrade/catalogue.h"
#include "chiaro/degrade/random_fields.h"
#include "chiaro/degrade/storage.h"

namespace chiaro::degrade {
namespace {

constexpr double kStrongestSigma = 75;

struct NoiseOptions {
  double sigma_u8 = 25;
  bool grey = false;
  std::string storage = "round";
  static Fields<NoiseOptions> fields() {
    return {
        field("sigma_u8", &NoiseOptions::sigma_u8, "standard deviation on the 0-255 scale",
              {.min = 0, .max = 255}),
        field("grey", &NoiseOptions::grey, "the same noise in all channels"),
        field("storage", &NoiseOptions::storage,
              "how the result is kept: rounded or cut off to 8 bit, or float",
              {.choices = storage_conventions()}),
    };
  }
};

void add_noise(Image& picture, const NoiseOptions& options, Rng& rng, const Inputs&) {
  const auto sigma = static_cast<float>(options.sigma_u8 / 255);
  std::vector<float> normals(options.grey ? picture.plane_size() : picture.pixels().size());
  fill_normal(normals, rng);
  auto pixels = picture.pixels();
  for (std::size_t begin = 0; begin < pixels.size(); begin += normals.size()) {
    for (std::size_t i = 0; i < normals.size(); ++i) pixels[begin + i] += sigma * normals[i];
  }
  store(pixels, options.storage);
}

}  // namespace

Entry noise() {
  return define<NoiseOptions>({
      .name = "noise",
      .summary = "additive white Gaussian noise",
      .reference = "K. Zhang et al., Beyond a Gaussian Denoiser, IEEE TIP 2017, arXiv:1608.03981",
      .ranges = {{"sigma_u8", "5..55"},
                 {"grey", "false|false|false|false|false|false|false|false|false|true"}},
      .apply = add_noise,
      .severity = [](const NoiseOptions& o) { return o.sigma_u8 / kStrongestSigma; },
      .at_severity = [](double s) { return NoiseOptions{.sigma_u8 = s * kStrongestSigma}; },
  });
}

}  // namespace chiaro::degrade
