#include "chiaro/image/tone_table.h"

#include <algorithm>
#include <cmath>

#include "chiaro/image/light.h"

namespace chiaro::image {

ToneTable::ToneTable(const std::function<double(double)>& curve) : light_(kLast + 1) {
  float brightest = 0;
  for (int i = 0; i <= kLast; ++i) {
    brightest = std::max(brightest, static_cast<float>(curve(static_cast<double>(i) / kLast)));
    light_[static_cast<std::size_t>(i)] = brightest;
  }
  // Neighbours in single precision would tell it to a few thousandths only.
  slope_ = static_cast<float>((curve(1.0) - curve(1.0 - 1.0 / kLast)) * kLast);
  // The square spreads the guesses as the eye does, so that no step of them spans many codes.
  std::size_t code = 0;
  for (int k = 0; k <= kGuesses; ++k) {
    const float root = static_cast<float>(k) / kGuesses;
    while (code < kLast && light_[code + 1] <= root * root * light_[kLast]) ++code;
    guess_[static_cast<std::size_t>(k)] = static_cast<std::uint16_t>(code);
  }
}

float ToneTable::light(float coded) const {
  if (std::signbit(coded)) return coded < 0 ? -light(-coded) : coded;
  const float position = coded * kLast;
  if (!(position < kLast)) {  // NaN goes through
    return light_[kLast] + (coded - 1.0F) * slope_;
  }
  const auto i = static_cast<std::size_t>(position);
  return light_[i] + (position - static_cast<float>(i)) * (light_[i + 1] - light_[i]);
}

float ToneTable::coded(float light) const {
  if (std::signbit(light)) return light < 0 ? -coded(-light) : light;
  if (!(light < light_[kLast])) {
    return slope_ > 0 ? 1.0F + (light - light_[kLast]) / slope_ : 1.0F + (light - light);
  }
  const auto k = std::min<std::size_t>(
      kGuesses - 1, static_cast<std::size_t>(std::sqrt(light / light_[kLast]) * kGuesses));
  std::size_t low = guess_[k];
  std::size_t high = std::min<std::size_t>(kLast, guess_[k + 1] + std::size_t{1});
  while (high - low > 1) {
    const std::size_t middle = (low + high) / 2;
    (light_[middle] <= light ? low : high) = middle;
  }
  const float step = light_[high] - light_[low];
  const float fraction = step > 0 ? (light - light_[low]) / step : 0.0F;
  return (static_cast<float>(low) + fraction) / kLast;
}

const ToneTable& ToneTable::srgb() {
  static const ToneTable table(
      [](double v) { return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4); });
  return table;
}

float light_of_srgb(float coded) {
  return ToneTable::srgb().light(coded);
}

float srgb_of_light(float light) {
  return ToneTable::srgb().coded(light);
}

}  // namespace chiaro::image
