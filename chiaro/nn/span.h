// What an output pixel can depend on, followed backwards through the layers of a network.
#pragma once

#include <algorithm>
#include <cstdint>

namespace chiaro::nn {

/// The pixels low … high of a feature map along one axis. Begun at an output pixel and led through
/// the layers from the last to the first, it ends as the input pixels on which that pixel can
/// depend.
struct Span {
  std::int64_t low = 0;
  std::int64_t high = 0;

  /// In front of a convolution with stride 1 that reaches `radius` pixels to each side.
  void before_conv(std::int64_t radius) {
    low -= radius;
    high += radius;
  }

  /// In front of a layer that mixes all pixels of a window; windows of `window` pixels border on
  /// each other, and one begins at pixel `first`.
  void before_windows(std::int64_t window, std::int64_t first = 0) {
    low = quotient(low - first, window) * window + first;
    high = quotient(high - first, window) * window + first + window - 1;
  }

  /// In front of a map in which a pixel makes `factor` pixels along the axis.
  void before_enlarging(std::int64_t factor) {
    low = quotient(low, factor);
    high = quotient(high, factor);
  }

  /// In front of a convolution with stride `factor`, a kernel of factor + 2·radius and a padding of
  /// radius.
  void before_reducing(std::int64_t factor, std::int64_t radius = 0) {
    low = factor * low - radius;
    high = factor * high + factor - 1 + radius;
  }

 private:
  /// Rounded down also below zero; b > 0.
  static std::int64_t quotient(std::int64_t a, std::int64_t b) {
    return a >= 0 ? a / b : -((b - 1 - a) / b);
  }
};

/// Side (odd) of the smallest square, centred at an output pixel, that holds every input pixel on
/// which the output pixel can depend, for output pixels in every position relative to a grid of
/// `period` pixels. `walk(span)` leads a span from the output to the input, at one scale.
template <typename Walk>
std::int64_t receptive_field_px(std::int64_t period, const Walk& walk) {
  std::int64_t radius = 0;
  for (std::int64_t pixel = 0; pixel < period; ++pixel) {
    Span span{pixel, pixel};
    walk(span);
    radius = std::max({radius, pixel - span.low, span.high - pixel});
  }
  return 2 * radius + 1;
}

}  // namespace chiaro::nn
