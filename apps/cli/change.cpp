#include "apps/cli/change.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "chiaro/image/indices.h"

namespace chiaro::cli {
namespace {

/// Has no factor in common with the width: so each column comes as often as any other.
std::size_t stride_for(const image::Image& picture) {
  constexpr std::size_t kEnough = std::size_t{1} << 18;
  std::size_t stride = picture.pixels().size() / kEnough + 1;
  while (std::gcd(stride, image::as_size(picture.width())) > 1) ++stride;
  return stride;
}

/// The root mean square of some differences in levels of 255.
class RootMeanSquare {
 public:
  void add(double difference) {
    if (std::isfinite(difference)) sum_ += difference * difference;
    ++count_;
  }
  double levels() const { return count_ == 0 ? 0 : 255 * std::sqrt(sum_ / count_); }

 private:
  double sum_ = 0;
  double count_ = 0;
};

}  // namespace

std::optional<double> change_levels(const image::Image& before, const image::Image& after) {
  if (before.channels() != after.channels() || before.height() != after.height() ||
      before.width() != after.width())
    return std::nullopt;
  RootMeanSquare change;
  for (std::size_t i = 0; i < before.pixels().size(); ++i)
    change.add(double{after.pixels()[i]} - before.pixels()[i]);
  return change.levels();
}

std::string change_text(double levels) {
  if (levels == 0) return "nothing";
  return levels < 10 ? fmt::format("{:.2g}", levels) : fmt::format("{:.0f}", levels);
}

ChangeMeter::ChangeMeter(const image::Image& before)
    : stride_(stride_for(before)),
      channels_(before.channels()),
      height_(before.height()),
      width_(before.width()) {
  const auto pixels = before.pixels();
  values_.reserve(pixels.size() / stride_ + 1);
  for (std::size_t i = 0; i < pixels.size(); i += stride_) values_.push_back(pixels[i]);
}

std::optional<double> ChangeMeter::levels(const image::Image& after) const {
  if (channels_ != after.channels() || height_ != after.height() || width_ != after.width())
    return std::nullopt;
  RootMeanSquare change;
  for (std::size_t i = 0; i < values_.size(); ++i)
    change.add(double{after.pixels()[i * stride_]} - values_[i]);
  return change.levels();
}

}  // namespace chiaro::cli
