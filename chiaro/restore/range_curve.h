// How a picture whose values go beyond black and white is shown to a network that knows only what
// lies between, and how the network's result is taken back.
#pragma once

#include <cstdint>
#include <span>

#include "chiaro/image/image.h"
#include "chiaro/image/value_range.h"

namespace chiaro::restore {

/// What is known of all of a picture's values.
struct SeenRange {
  float low = 0;   ///< the darkest value that is to be seen, at most 0
  float high = 1;  ///< the brightest one, at least 1; both after `stops`
  /// Exposures by which linear light is taken down first: it has no white of its own, and much of a
  /// picture may lie above 1.
  int stops = 0;
};

/// Gathers it from a picture that comes in strips. Values count that are farther outside [0,1] than
/// rounding, down to -0.05 and up to 64, of pixels that are not hidden by an alpha of 0. `stops`,
/// of linear light with values above 1 alone: what brings the mean of log2(light), light being the
/// brightest channel, down to 0.18, as a whole number; no more than the brightest value is above 1.
class RangeGatherer {
 public:
  explicit RangeGatherer(bool linear_light) : linear_light_(linear_light) {}

  /// Finite values, sRGB-coded.
  void add(const image::Image& strip);
  SeenRange range() const;
  const image::Beyond& beyond() const { return beyond_; }

 private:
  void add_light(const image::Image& strip);

  bool linear_light_;
  image::Beyond beyond_;
  double stops_ = 0;  // summed
  std::int64_t pixels_ = 0;
};

/// Of a picture in memory.
SeenRange range_of(const image::Image& picture);

/// An invertible curve from values to [0,1]. As they are between 0.1 and 0.5; above, in steps that
/// become smaller with the logarithm, so that `high` comes to 1; below, mirrored, so that `low`
/// comes to 0. Both bends begin with slope 1:
///
///   shown(0.5 + u) = 0.5 + log(1 + s u) / s,   s such that shown(high) = 1, for u >= 0
///   shown(0.1 - u) = 0.1 - log(1 + t u) / t,   t such that shown(low) = 0
///
/// Where high is 1 (low is 0) the bend is none. Values beyond low and high are shown as 0 and 1.
class RangeCurve {
 public:
  RangeCurve() = default;
  explicit RangeCurve(const SeenRange& range);

  /// Whether it changes anything.
  bool bends() const { return bends_; }

  float shown(float value) const;
  void show(std::span<float> values) const;

  /// `value` changed as its picture was: by as much as the curve's inverse takes `restored` away
  /// from shown(value). So what the network leaves alone comes back bit by bit, and what it cannot
  /// see moves along with what it sees. `restored` is limited to [0,1].
  float returned(float value, float restored) const;

 private:
  struct Bend {
    double steep = 0;  // s or t; 0: straight
    float bent(float distance) const;
    float straightened(float distance) const;
  };
  float original(float shown) const;
  float exposed(float value) const;
  float unexposed(float value) const;

  Bend bright_{};
  Bend dark_{};
  int stops_ = 0;
  bool bends_ = false;
};

}  // namespace chiaro::restore
