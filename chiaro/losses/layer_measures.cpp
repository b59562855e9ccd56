#include "chiaro/losses/layer_measures.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "chiaro/base/error.h"

namespace chiaro::losses {
namespace {

/// (N,H−1,W−1)
at::Tensor gradient_magnitude(const at::Tensor& layer) {
  const auto x = layer.detach().to(at::kDouble);
  const auto corner = x.slice(2, 0, -1).slice(3, 0, -1);
  const auto right = x.slice(2, 0, -1).slice(3, 1) - corner;
  const auto below = x.slice(2, 1).slice(3, 0, -1) - corner;
  return (right.square() + below.square()).sum(1).sqrt();
}

}  // namespace

double participation_ratio(const at::Tensor& vectors) {
  CHIARO_CHECK(vectors.dim() == 2 && vectors.size(0) >= 2, Internal,
               "[losses.participation_ratio] expected vectors (N,D), two or more");
  const c10::NoGradGuard no_grad;
  const auto values = vectors.to(at::kDouble);
  const auto centred = values - values.mean(0, /*keepdim=*/true);
  // The smaller of the two products has the same eigenvalues, but for zeros.
  const auto product = centred.size(0) < centred.size(1) ? at::matmul(centred, centred.t())
                                                         : at::matmul(centred.t(), centred);
  const double squares = product.square().sum().item<double>();
  const double trace = product.diagonal().sum().item<double>();
  return squares > 0 ? trace * trace / squares : 0;
}

double shared_edges(const at::Tensor& image, const at::Tensor& damage) {
  CHIARO_CHECK(image.dim() == 4 && image.sizes() == damage.sizes() && image.size(2) >= 2 &&
                   image.size(3) >= 2,
               Internal, "[losses.shared_edges] expected two layers (N,C,H,W) of one shape");
  const c10::NoGradGuard no_grad;
  const auto a = gradient_magnitude(image).flatten();
  const auto b = gradient_magnitude(damage).flatten();
  const auto da = a - a.mean();
  const auto db = b - b.mean();
  const double spread = (da.square().sum() * db.square().sum()).sqrt().item<double>();
  return spread > 0 ? (da * db).sum().item<double>() / spread : 0;
}

}  // namespace chiaro::losses
