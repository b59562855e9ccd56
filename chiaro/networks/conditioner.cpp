#include "chiaro/networks/conditioner.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "chiaro/base/error.h"

namespace chiaro::networks {
namespace {

/// Mirrors at the bottom and right until the sides are (height, width).
at::Tensor mirrored_to(at::Tensor pictures, std::int64_t height, std::int64_t width) {
  while (pictures.size(2) < height || pictures.size(3) < width) {
    // A mirror can at most double a side, less the pixel it turns at.
    const auto grow = [](std::int64_t side, std::int64_t wanted) {
      return std::min(std::max<std::int64_t>(wanted - side, 0), side - 1);
    };
    const std::int64_t down = grow(pictures.size(2), height);
    const std::int64_t right = grow(pictures.size(3), width);
    if (down + right == 0)
      return at::replication_pad2d(pictures,
                                   {0, width - pictures.size(3), 0, height - pictures.size(2)});
    pictures = at::reflection_pad2d(pictures, {0, right, 0, down});
  }
  return pictures;
}

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

at::Tensor whole_view(const at::Tensor& pictures, const ConditionLayout& layout) {
  const std::int64_t height = pictures.size(2);
  const std::int64_t width = pictures.size(3);
  const double scale = std::min(
      1.0, static_cast<double>(layout.whole_px) / static_cast<double>(std::max(height, width)));
  const auto reduced = [&](std::int64_t side) {
    return std::max<std::int64_t>(1, std::llround(scale * static_cast<double>(side)));
  };
  const at::Tensor small =
      scale < 1 ? at::adaptive_avg_pool2d(pictures, {reduced(height), reduced(width)}) : pictures;
  return mirrored_to(small, round_up(small.size(2), layout.whole_alignment_px),
                     round_up(small.size(3), layout.whole_alignment_px));
}

at::Tensor native_views(const at::Tensor& given, const ConditionLayout& layout) {
  const std::int64_t side = layout.view_px;
  const at::Tensor pictures =
      mirrored_to(given, std::max(side, given.size(2)), std::max(side, given.size(3)));
  const auto most = static_cast<std::int64_t>(std::sqrt(static_cast<double>(layout.max_views)));
  const auto count = [&](std::int64_t length) {
    return std::clamp<std::int64_t>((length + 2 * side - 1) / (2 * side), 1, most);
  };
  const auto place = [&](std::int64_t i, std::int64_t n, std::int64_t length) {
    const double centre =
        (static_cast<double>(i) + 0.5) / static_cast<double>(n) * static_cast<double>(length);
    return std::clamp<std::int64_t>(std::llround(centre - 0.5 * static_cast<double>(side)), 0,
                                    length - side);
  };
  const std::int64_t rows = count(pictures.size(2));
  const std::int64_t columns = count(pictures.size(3));
  std::vector<at::Tensor> views;
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      views.push_back(pictures.narrow(2, place(i, rows, pictures.size(2)), side)
                          .narrow(3, place(j, columns, pictures.size(3)), side));
    }
  }
  return at::stack(views, 1);
}

}  // namespace

Views cut_views(const at::Tensor& pictures, const ConditionLayout& layout) {
  CHIARO_CHECK(pictures.dim() == 4 && pictures.size(1) == 3, Internal,
               "[networks.views] expected pictures (N,3,H,W)");
  return {native_views(pictures, layout), whole_view(pictures, layout)};
}

}  // namespace chiaro::networks
