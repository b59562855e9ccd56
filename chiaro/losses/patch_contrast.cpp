#include "chiaro/losses/patch_contrast.h"

#include <ATen/ATen.h>

#include "chiaro/base/error.h"
#include "chiaro/losses/info_nce.h"

namespace chiaro::losses {
namespace {

at::Tensor every(std::int64_t rows, std::int64_t columns, const at::Tensor& like) {
  return at::ones({rows, columns}, like.options().dtype(at::kBool));
}

at::Tensor others(std::int64_t count, const at::Tensor& like) {
  return at::eye(count, like.options().dtype(at::kBool)).logical_not();
}

/// The mean over the vectors of one layer.
at::Tensor of_layer(const at::Tensor& own, const at::Tensor& other, double temperature) {
  const auto logits = contrast_logits(own, at::cat({own, other}), temperature);
  const auto same = others(own.size(0), own);
  return info_nce(logits, at::cat({same, every(own.size(0), other.size(0), own).logical_not()}, 1),
                  at::cat({same, every(own.size(0), other.size(0), own)}, 1));
}

}  // namespace

at::Tensor layer_contrast(const at::Tensor& image, const at::Tensor& damage, double temperature,
                          std::optional<double> image_share) {
  CHIARO_CHECK(image.dim() == 2 && damage.dim() == 2 && image.size(1) == damage.size(1), Internal,
               "[losses.layer_contrast] expected vectors (P,D) and (N,D)");
  const auto p = static_cast<double>(image.size(0));
  const auto n = static_cast<double>(damage.size(0));
  const double share = image_share.value_or(p / (p + n));
  return share * of_layer(image, damage, temperature) +
         (1 - share) * of_layer(damage, image, temperature);
}

at::Tensor location_contrast(const at::Tensor& queries, const at::Tensor& keys,
                             double temperature) {
  CHIARO_CHECK(queries.dim() == 2 && queries.sizes() == keys.sizes(), Internal,
               "[losses.location_contrast] expected queries and keys of one shape (K,D)");
  const std::int64_t count = queries.size(0);
  return info_nce(contrast_logits(queries, keys, temperature), others(count, queries).logical_not(),
                  every(count, count, queries));
}

}  // namespace chiaro::losses
