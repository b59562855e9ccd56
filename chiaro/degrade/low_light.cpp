// Low light: x = c·k·y^γ darkens coded values with gain k, gamma γ and a slight cast c per channel;
// then the noise of few photons (variance in proportion to brightness) and of reading the sensor.
// Storing in 8 bit is part of it by default: in the dark its steps are as large as the noise.
#include <algorithm>
#include <cmath>
#include <vector>

#include "chiaro/degrade/catalogue.h"
#include "chiaro/degrade/random_fields.h"
#include "chiaro/degrade/storage.h"

namespace chiaro::degrade {
namespace {

constexpr double kDarkest = 0.97;  // severity 1: mid grey loses this share of its value

struct LowLightOptions {
  double gain = 0.3;
  double gamma = 1.8;
  double shot_u8 = 8;
  double read_u8 = 1.5;
  double cast = 0;
  std::string storage = "round";
  static Fields<LowLightOptions> fields() {
    return {
        field("gain", &LowLightOptions::gain, "factor on coded values", {.min = 0, .max = 1}),
        field("gamma", &LowLightOptions::gamma, "exponent on coded values", {.min = 1, .max = 5}),
        field("shot_u8", &LowLightOptions::shot_u8,
              "deviation of photon noise at white, on the 0-255 scale; falls with the square root",
              {.min = 0, .max = 128}),
        field("read_u8", &LowLightOptions::read_u8,
              "deviation of reading noise, on the 0-255 scale", {.min = 0, .max = 64}),
        field("cast", &LowLightOptions::cast, "most that a channel's factor may differ from 1",
              {.min = 0, .max = 0.5}),
        field("storage", &LowLightOptions::storage,
              "how the result is kept: rounded or cut off to 8 bit, or float",
              {.choices = storage_conventions()}),
    };
  }
};

void darken(Image& picture, const LowLightOptions& options, Rng& rng, const Inputs&) {
  const auto gamma = static_cast<float>(options.gamma);
  const auto shot = static_cast<float>(options.shot_u8 * options.shot_u8 / (255.0 * 255.0));
  const auto read = static_cast<float>(options.read_u8 * options.read_u8 / (255.0 * 255.0));
  std::vector<float> normals(picture.plane_size());
  for (int c = 0; c < picture.channels(); ++c) {
    const double shift = options.cast > 0 ? rng.uniform(-options.cast, options.cast) : 0;
    const auto gain = static_cast<float>(options.gain * (1 + shift));
    auto plane = picture.plane(c);
    for (float& v : plane) v = std::min(1.0F, gain * std::pow(std::max(v, 0.0F), gamma));
    if (shot + read <= 0) continue;
    fill_normal(normals, rng);
    for (std::size_t i = 0; i < plane.size(); ++i) {
      plane[i] += std::sqrt(shot * plane[i] + read) * normals[i];
    }
  }
  store(picture.pixels(), options.storage);
}

/// The share that mid grey loses.
double loss(const LowLightOptions& o) {
  return 1 - o.gain * std::pow(0.5, o.gamma - 1);
}

}  // namespace

Entry low_light() {
  return define<LowLightOptions>({
      .name = "low_light",
      .summary = "darkness by gain and gamma, with photon and reading noise",
      .reference = "K. Lore et al., LLNet, Pattern Recognition 2017, arXiv:1511.03995; "
                   "A. Foi et al., Practical Poissonian-Gaussian noise modeling, IEEE TIP 2008",
      .ranges = {{"gain", "0.1..0.6~log"},
                 {"gamma", "1.1..2.2"},
                 {"shot_u8", "1..16~log"},
                 {"read_u8", "0..2"},
                 {"cast", "0|0.03..0.25"}},
      .apply = darken,
      .severity = [](const LowLightOptions& o) { return loss(o) / kDarkest; },
      .at_severity =
          [](double s) {  // gain and gamma share the loss evenly
            const double kept = std::sqrt(1 - s * kDarkest);
            return LowLightOptions{
                .gain = kept, .gamma = 1 - std::log2(kept), .shot_u8 = 10 * s, .read_u8 = 2 * s};
          },
  });
}

}  // namespace chiaro::degrade
