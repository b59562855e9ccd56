#include "chiaro/restore/drawn.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/wide.h"
#include "chiaro/image/indices.h"

namespace chiaro::restore {
namespace {

using image::as_size;

constexpr double kDrawnExact = 0.75;
constexpr double kDrawnGrain = 0.018;
constexpr double kDrawnTurns = 0.01;
constexpr std::int64_t kPixelsToTell = 1000;  // for turns, of which so few count
// Values of 8 and 16 bits lie a rounding error of float beside each other at most.
constexpr float kZero = 1e-6F;
constexpr float kMostGrain = 12.5F / 255;
constexpr std::int32_t kEveryNeighbour = 0xF;

double share(std::int64_t part, std::int64_t all) {
  return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
}

}  // namespace

// A loop over a whole row without branches, so that the compiler takes several pixels at once. It
// knows the number of channels, and makes this a part of its caller, compiled for wider registers.
template <std::size_t kChannels>
[[gnu::always_inline]] inline DrawnDetector::Counts DrawnDetector::judge(const Row& above,
                                                                         const Row& row,
                                                                         const Row& below,
                                                                         std::int32_t* directions,
                                                                         std::size_t inner) {
  Counts counts;
#pragma GCC ivdep  // what is written lies in none of the rows
  for (std::size_t x = 0; x < inner; ++x) {
    std::int32_t same = kEveryNeighbour;
    std::int32_t grained = 0;
    std::int32_t turned = 0;
    for (std::size_t c = 0; c < kChannels; ++c) {
      const float* here = row.first + c * row.stride + 1 + x;
      const float up = above.first[c * above.stride + 1 + x];
      const float down = below.first[c * below.stride + 1 + x];
      const float value = here[0];
      const float left = here[-1];
      const float right = here[1];
      std::int32_t& direction = directions[c * inner + x];
      same &= static_cast<int>(value == up) | static_cast<int>(value == down) << 1 |
              static_cast<int>(value == left) << 2 | static_cast<int>(value == right) << 3;
      const float laplacian = std::abs(4 * value - up - down - left - right);
      const float step = value - up;
      const std::int32_t now = static_cast<int>(step > kZero) - static_cast<int>(step < -kZero);
      const std::int32_t turns =
          static_cast<int>(now != 0) & static_cast<int>(now + direction == 0);
      turned |= turns;
      grained |=
          turns & static_cast<int>(laplacian > kZero) & static_cast<int>(laplacian <= kMostGrain);
      direction = now == 0 ? direction : now;
    }
    counts.exact += static_cast<std::int32_t>(same != 0);
    counts.grain += grained;
    counts.turns += turned;
  }
  return counts;
}

CHIARO_WIDE DrawnDetector::Counts DrawnDetector::judge_grey(const Row& above, const Row& row,
                                                            const Row& below,
                                                            std::int32_t* directions,
                                                            std::size_t inner) {
  return judge<1>(above, row, below, directions, inner);
}

CHIARO_WIDE DrawnDetector::Counts DrawnDetector::judge_color(const Row& above, const Row& row,
                                                             const Row& below,
                                                             std::int32_t* directions,
                                                             std::size_t inner) {
  return judge<3>(above, row, below, directions, inner);
}

void DrawnDetector::judge(const Row& above, const Row& row, const Row& below) {
  const std::size_t inner = as_size(std::max(0, width_ - 2));
  direction_.resize(as_size(channels_) * inner);
  const auto judged = channels_ == 3 ? judge_color : judge_grey;
  const Counts counts = judged(above, row, below, direction_.data(), inner);
  exact_ += counts.exact;
  grain_ += counts.grain;
  turns_ += counts.turns;
  pixels_ += static_cast<std::int64_t>(inner);
}

void DrawnDetector::add(const image::Image& strip) {
  if (strip.empty()) return;
  if (channels_ == 0) {
    channels_ = strip.channels();
    width_ = strip.width();
  }
  CHIARO_CHECK(strip.channels() == channels_ && strip.width() == width_, Internal,
               "[restore.DrawnDetector] a strip of {} channels, {} wide; expected {}, {}",
               strip.channels(), strip.width(), channels_, width_);
  const std::size_t width = as_size(width_);
  const std::size_t size = as_size(channels_) * width;
  const std::size_t before = kept_.size() / size;
  const std::size_t rows = before + as_size(strip.height());
  const auto row = [&](std::size_t i) {
    return i < before ? Row{kept_.data() + i * size, width}
                      : Row{strip.pixels().data() + (i - before) * width, strip.plane_size()};
  };
  for (std::size_t i = 1; i + 1 < rows; ++i) judge(row(i - 1), row(i), row(i + 1));
  std::vector<float> last;
  for (std::size_t i = rows - std::min(rows, std::size_t{2}); i < rows; ++i) {
    for (int c = 0; c < channels_; ++c) {
      const float* from = row(i).first + as_size(c) * row(i).stride;
      last.insert(last.end(), from, from + width);
    }
  }
  kept_ = std::move(last);
}

DrawnShares DrawnDetector::shares() const {
  return {.exact = share(exact_, pixels_),
          .grain = share(grain_, pixels_),
          .turns = pixels_ < kPixelsToTell ? 1 : share(turns_, pixels_)};
}

bool DrawnShares::drawn() const {
  return (exact >= kDrawnExact && grain <= kDrawnGrain) || turns <= kDrawnTurns;
}

DrawnShares drawn_shares(const image::Image& picture) {
  DrawnDetector detector;
  detector.add(picture);
  return detector.shares();
}

}  // namespace chiaro::restore
