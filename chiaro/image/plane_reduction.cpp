#include "chiaro/image/plane_reduction.h"

#include <algorithm>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/wide.h"
#include "chiaro/image/indices.h"

namespace chiaro::image {
namespace {

CHIARO_WIDE void add_weighted(const float* __restrict row, float weight, std::size_t width,
                              float* __restrict line) {
  for (std::size_t x = 0; x < width; ++x) line[x] += weight * row[x];
}

}  // namespace

std::vector<PlaneReduction::Share> PlaneReduction::shares(int from, int to) {
  std::vector<Share> result;
  const double step = static_cast<double>(from) / to;
  for (int i = 0; i < to; ++i) {
    const double low = i * step;
    const double high = std::min<double>(from, low + step);
    Share share{static_cast<int>(low), {}};
    for (int j = share.begin; j < high; ++j) {
      share.weights.push_back(static_cast<float>(
          (std::min<double>(j + 1, high) - std::max<double>(j, low)) / (high - low)));
    }
    result.push_back(std::move(share));
  }
  return result;
}

PlaneReduction::PlaneReduction(int height, int width, int to_height, int to_width) {
  CHIARO_CHECK(to_height > 0 && to_width > 0 && to_height <= height && to_width <= width, Usage,
               "[image.reduce_area] got {}x{} from {}x{}; expected a reduction", to_height,
               to_width, height, width);
  rows_ = shares(height, to_height);
  columns_ = shares(width, to_width);
  line_.resize(as_size(width));
}

void PlaneReduction::add(const float* row, std::span<float> target) {
  // A row on the border of two target rows counts for both.
  while (target_row_ < static_cast<int>(rows_.size())) {
    const Share& share = rows_[as_size(target_row_)];
    if (source_row_ < share.begin) break;
    const float weight = share.weights[as_size(source_row_ - share.begin)];
    add_weighted(row, weight, line_.size(), line_.data());
    if (source_row_ + 1 < share.end()) break;
    finish_row(target);
  }
  ++source_row_;
}

void PlaneReduction::finish_row(std::span<float> target) {
  float* out = target.data() + as_size(target_row_) * columns_.size();
  for (const Share& share : columns_) {
    float sum = 0;
    for (std::size_t k = 0; k < share.weights.size(); ++k)
      sum += share.weights[k] * line_[as_size(share.begin) + k];
    *out++ = sum;
  }
  std::ranges::fill(line_, 0.0F);
  ++target_row_;
}

}  // namespace chiaro::image
