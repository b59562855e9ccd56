#include "chiaro/nn/windows.h"

#include <ATen/ATen.h>

#include <cmath>

#include "chiaro/base/error.h"

namespace chiaro::nn {
namespace {

/// (T·T) int64: (Δrow + w − 1)·(2w − 1) + Δcolumn + w − 1 for every pair of tokens.
at::Tensor relative_places(std::int64_t window) {
  const at::Tensor token = at::arange(window * window, at::kLong);
  const at::Tensor row = token.floor_divide(window);
  const at::Tensor column = token.remainder(window);
  const auto differences = [](const at::Tensor& place) {
    return place.unsqueeze(1) - place.unsqueeze(0);
  };
  const std::int64_t side = 2 * window - 1;
  return ((differences(row) + window - 1) * side + differences(column) + window - 1).flatten();
}

}  // namespace

at::Tensor to_windows(const at::Tensor& map, std::int64_t window) {
  const auto height = map.size(1);
  const auto width = map.size(2);
  const auto channels = map.size(3);
  CHIARO_CHECK(
      height % window == 0 && width % window == 0, Usage,
      "[nn.to_windows] a map cannot be cut into windows of {0} x {0} pixels; got {1} x {2}; "
      "expected multiples (of a picture: of the network's alignment)",
      window, width, height);
  return map.reshape({map.size(0), height / window, window, width / window, window, channels})
      .permute({0, 1, 3, 2, 4, 5})
      .reshape({-1, window * window, channels});
}

at::Tensor from_windows(const at::Tensor& windows, std::int64_t window, std::int64_t height,
                        std::int64_t width) {
  const auto channels = windows.size(2);
  const auto rows = height / window;
  const auto columns = width / window;
  const auto pictures = windows.size(0) / (rows * columns);
  return windows.reshape({pictures, rows, columns, window, window, channels})
      .permute({0, 1, 3, 2, 4, 5})
      .reshape({pictures, height, width, channels});
}

at::Tensor attend(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                  std::int64_t heads, const at::Tensor& bias) {
  const auto windows = query.size(0);
  const auto tokens = query.size(1);
  const auto channels = query.size(2);
  const auto split = [&](const at::Tensor& x) {  // (B,T,C) → (B,h,T,C/h)
    return x.reshape({windows, tokens, heads, channels / heads}).permute({0, 2, 1, 3});
  };
  const double scale = 1.0 / std::sqrt(static_cast<double>(channels / heads));
  at::Tensor logits = at::matmul(split(query) * scale, split(key).transpose(2, 3));
  if (bias.dim() == 3) {
    logits = logits + bias;
  } else {
    const auto kinds = bias.size(0);
    logits = (logits.reshape({windows / kinds, kinds, heads, tokens, tokens}) + bias)
                 .reshape({windows, heads, tokens, tokens});
  }
  return at::matmul(at::softmax(logits, 3), split(value))
      .permute({0, 2, 1, 3})
      .reshape({windows, tokens, channels});
}

RelativeBiasImpl::RelativeBiasImpl(std::int64_t window, std::int64_t heads)
    : tokens_(window * window),
      table_(register_parameter("table",
                                at::randn({(2 * window - 1) * (2 * window - 1), heads}) * 0.02)),
      places_(register_buffer("places", relative_places(window))) {}

at::Tensor RelativeBiasImpl::forward() {
  return table_.index_select(0, places_).reshape({tokens_, tokens_, -1}).permute({2, 0, 1});
}

}  // namespace chiaro::nn
