#include "chiaro/restore/range_curve.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "chiaro/image/light.h"

namespace chiaro::restore {
namespace {

constexpr float kKnee = 0.5F;  // values above bend
constexpr float kToe = 0.1F;   // values below bend
constexpr float kLowest = -0.05F;
constexpr float kHighest = 64.0F;
constexpr double kMiddleGrey = 0.18;
constexpr double kDarkest = 1.0 / 65536;  // for the logarithm

/// The s > 0 with log(1 + s * length) = s * room, for length > room; 0 where nothing is to bend.
double steepness(double length, double room) {
  if (!(length > room)) return 0;
  // The left side is concave: from the right of the root Newton's steps only go left.
  double s = 4 * std::log1p(length / room * 16) / room;
  for (int step = 0; step < 60; ++step) {
    const double excess = std::log1p(s * length) - s * room;
    const double slope = length / (1 + s * length) - room;
    if (!(slope < 0)) break;
    s -= excess / slope;
  }
  return std::max(s, 0.0);
}

}  // namespace

void RangeGatherer::add(const image::Image& strip) {
  if (strip.alpha.empty() || strip.metadata.multiplied) {
    count_beyond(strip.pixels(), beyond_);
  } else {
    for (int c = 0; c < strip.channels(); ++c) {
      const auto plane = strip.plane(c);
      for (std::size_t i = 0; i < plane.size(); ++i) {
        if (strip.alpha[i] > 0) count_beyond(plane.subspan(i, 1), beyond_);
      }
    }
  }
  if (linear_light_) add_light(strip);
}

void RangeGatherer::add_light(const image::Image& strip) {
  for (std::size_t i = 0; i < strip.plane_size(); ++i) {
    if (!strip.alpha.empty() && !strip.metadata.multiplied && !(strip.alpha[i] > 0)) continue;
    float brightest = 0;
    for (int c = 0; c < strip.channels(); ++c) brightest = std::max(brightest, strip.plane(c)[i]);
    stops_ += std::log2(std::max(double{image::light_of_srgb(brightest)}, kDarkest));
    ++pixels_;
  }
}

SeenRange RangeGatherer::range() const {
  SeenRange range;
  const double mean = pixels_ > 0 ? stops_ / static_cast<double>(pixels_) : 0;
  if (linear_light_ && beyond_.highest > 1) {
    const double to_grey = std::round(mean - std::log2(kMiddleGrey));
    const double to_white = std::floor(std::log2(double{image::light_of_srgb(beyond_.highest)}));
    range.stops = static_cast<int>(std::max(0.0, std::min(to_grey, to_white)));
  }
  const auto exposed = [&range](float value) {
    if (range.stops == 0) return value;
    return image::srgb_of_light(std::ldexp(image::light_of_srgb(value), -range.stops));
  };
  range.low = std::clamp(exposed(beyond_.lowest), kLowest, 0.0F);
  range.high = std::clamp(exposed(beyond_.highest), 1.0F, kHighest);
  return range;
}

SeenRange range_of(const image::Image& picture) {
  RangeGatherer gatherer(picture.metadata.linear_light);
  gatherer.add(picture);
  return gatherer.range();
}

RangeCurve::RangeCurve(const SeenRange& range)
    : bright_{steepness(double{range.high} - kKnee, 1.0 - kKnee)},
      dark_{steepness(double{kToe} - range.low, kToe)},
      stops_(range.stops),
      bends_(range.high > 1 || range.low < 0 || range.stops != 0) {}

float RangeCurve::Bend::bent(float distance) const {
  return static_cast<float>(std::log1p(steep * double{distance}) / steep);
}

float RangeCurve::Bend::straightened(float distance) const {
  return static_cast<float>(std::expm1(steep * double{distance}) / steep);
}

float RangeCurve::exposed(float value) const {
  if (stops_ == 0) return value;
  return image::srgb_of_light(std::ldexp(image::light_of_srgb(value), -stops_));
}

float RangeCurve::unexposed(float value) const {
  if (stops_ == 0) return value;
  return image::srgb_of_light(std::ldexp(image::light_of_srgb(value), stops_));
}

float RangeCurve::shown(float value) const {
  float v = exposed(value);
  if (bright_.steep > 0 && v > kKnee) v = kKnee + bright_.bent(v - kKnee);
  if (dark_.steep > 0 && v < kToe) v = kToe - dark_.bent(kToe - v);
  return std::clamp(v, 0.0F, 1.0F);
}

void RangeCurve::show(std::span<float> values) const {
  for (float& value : values) value = shown(value);
}

float RangeCurve::original(float shown) const {
  float v = shown;
  if (bright_.steep > 0 && v > kKnee) v = kKnee + bright_.straightened(v - kKnee);
  if (dark_.steep > 0 && v < kToe) v = kToe - dark_.straightened(kToe - v);
  return unexposed(v);
}

float RangeCurve::returned(float value, float restored) const {
  const float before = shown(value);
  const float after = std::clamp(restored, 0.0F, 1.0F);
  if (after == before) return value;
  return value + (original(after) - original(before));
}

}  // namespace chiaro::restore
