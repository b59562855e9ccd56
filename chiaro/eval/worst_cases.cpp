#include "chiaro/eval/worst_cases.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "chiaro/base/error.h"

namespace chiaro::eval {
namespace {

struct Place {
  int y, x, height, width;
};

/// The window with the largest sum of squared differences, from sums over all rectangles that begin
/// in the corner.
Place farthest_part(const image::Image& a, const image::Image& b, int side) {
  const int height = std::min(side, a.height());
  const int width = std::min(side, a.width());
  const auto columns = static_cast<std::size_t>(a.width()) + 1;
  const auto at = [columns](int y, int x) {
    return static_cast<std::size_t>(y) * columns + static_cast<std::size_t>(x);
  };
  std::vector<double> sums(columns * (static_cast<std::size_t>(a.height()) + 1));
  for (int y = 0; y < a.height(); ++y) {
    double row = 0;
    for (int x = 0; x < a.width(); ++x) {
      for (int c = 0; c < a.channels(); ++c) {
        const double difference = double{a.at(c, y, x)} - b.at(c, y, x);
        row += difference * difference;
      }
      sums[at(y + 1, x + 1)] = sums[at(y, x + 1)] + row;
    }
  }
  Place best{0, 0, height, width};
  double most = -1;
  for (int y = 0; y + height <= a.height(); ++y) {
    for (int x = 0; x + width <= a.width(); ++x) {
      const double sum = sums[at(y + height, x + width)] - sums[at(y, x + width)] -
                         sums[at(y + height, x)] + sums[at(y, x)];
      if (sum <= most * (1 + 1e-12)) continue;  // equal but for rounding: the first
      most = sum;
      best.y = y;
      best.x = x;
    }
  }
  return best;
}

/// Least gain first. A gain that is no number (of equal infinities) never comes before one that is.
bool comes_before(double gain, const std::string& name, const WorstCase& other) {
  const auto rank = [](double value) { return std::isnan(value) ? HUGE_VAL : value; };
  return std::make_tuple(rank(gain), std::cref(name)) <
         std::make_tuple(rank(other.gain), std::cref(other.name));
}

}  // namespace

WorstCases::WorstCases(std::size_t most, int side_px, bool lower_is_better)
    : most_(most), side_px_(side_px), lower_is_better_(lower_is_better) {}

void WorstCases::look(const PictureScores& scores, const Pair& pair, const image::Image& restored) {
  const double raw = score_difference(scores.restored.at(0), scores.input.at(0));
  const double gain = lower_is_better_ ? -raw : raw;
  const auto place = std::ranges::find_if(
      cases_, [&](const WorstCase& other) { return comes_before(gain, scores.name, other); });
  if (place == cases_.end() && cases_.size() >= most_) return;
  const bool compared = !pair.target.empty();
  const auto alike = [&restored](const image::Image& other) {
    return other.width() == restored.width() && other.height() == restored.height() &&
           other.channels() == restored.channels();
  };
  CHIARO_CHECK(alike(pair.input) && (!compared || alike(pair.target)), Usage,
               "[eval.worst_cases] '{}' came out with other sides than it has, {}x{} instead of "
               "{}x{}; a report shows parts side by side; expected pictures of one size",
               scores.name, restored.width(), restored.height(), pair.input.width(),
               pair.input.height());
  const Place part = farthest_part(restored, compared ? pair.target : pair.input, side_px_);
  const auto cut = [&part](const image::Image& picture) {
    return image::crop(picture, part.y, part.x, part.height, part.width);
  };
  cases_.insert(place,
                {scores.name, scores.restored[0], scores.input[0], gain, part.y, part.x,
                 cut(pair.input), cut(restored), compared ? cut(pair.target) : image::Image()});
  if (cases_.size() > most_) cases_.pop_back();
}

}  // namespace chiaro::eval
