#include "chiaro/restore/drawn.h"

#include <algorithm>
#include <cmath>

#include "chiaro/base/error.h"
#include "chiaro/image/indices.h"

namespace chiaro::restore {
namespace {

using image::as_size;

constexpr double kDrawnExact = 0.75;
constexpr double kDrawnGrain = 0.05;
// Values of 8 and 16 bits lie a rounding error of float beside each other at most.
constexpr float kZero = 1e-6F;
constexpr float kMostGrain = 12.5F / 255;

double share(std::int64_t part, std::int64_t all) {
  return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
}

}  // namespace

void DrawnDetector::judge_row(const float* above, const float* row, const float* below) {
  for (int x = 1; x + 1 < width_; ++x) {
    bool as_above = true;
    bool as_below = true;
    bool as_left = true;
    bool as_right = true;
    float largest = 0;
    for (int c = 0; c < channels_; ++c) {
      const std::size_t at = as_size(c) * as_size(width_) + as_size(x);
      const float here = row[at];
      as_above &= here == above[at];
      as_below &= here == below[at];
      as_left &= here == row[at - 1];
      as_right &= here == row[at + 1];
      largest =
          std::max(largest, std::abs(4 * here - above[at] - below[at] - row[at - 1] - row[at + 1]));
    }
    exact_ += as_above || as_below || as_left || as_right ? 1 : 0;
    grain_ += largest > kZero && largest <= kMostGrain ? 1 : 0;
  }
  pixels_ += std::max(0, width_ - 2);
}

void DrawnDetector::add(const image::Image& strip) {
  if (strip.empty()) return;
  const std::size_t size = as_size(strip.channels()) * as_size(strip.width());
  if (rows_.empty()) {
    channels_ = strip.channels();
    width_ = strip.width();
    rows_.resize(2 * size);
  }
  CHIARO_CHECK(strip.channels() == channels_ && strip.width() == width_, Internal,
               "[restore.DrawnDetector] a strip of {} channels, {} wide; expected {}, {}",
               strip.channels(), strip.width(), channels_, width_);
  std::vector<float> next(size);
  for (int y = 0; y < strip.height(); ++y) {
    for (int c = 0; c < channels_; ++c)
      std::copy_n(strip.plane(c).data() + as_size(y) * as_size(width_), width_,
                  next.data() + as_size(c) * as_size(width_));
    if (kept_ == 2) judge_row(rows_.data(), rows_.data() + size, next.data());
    if (kept_ > 0) std::copy_n(rows_.data() + size, size, rows_.data());
    std::copy_n(next.data(), size, rows_.data() + size);
    kept_ = std::min(2, kept_ + 1);
  }
}

DrawnShares DrawnDetector::shares() const {
  return {share(exact_, pixels_), share(grain_, pixels_)};
}

bool DrawnShares::drawn() const {
  return exact >= kDrawnExact && grain <= kDrawnGrain;
}

DrawnShares drawn_shares(const image::Image& picture) {
  DrawnDetector detector;
  detector.add(picture);
  return detector.shares();
}

}  // namespace chiaro::restore
