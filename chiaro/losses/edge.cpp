#include "chiaro/losses/edge.h"

#include <ATen/ops/zeros_like.h>

#include "chiaro/losses/charbonnier.h"
#include "chiaro/losses/pair.h"

namespace chiaro::losses {
namespace {

at::Tensor laplacian(const at::Tensor& x) {
  const auto shifted = [&x](std::int64_t row, std::int64_t column) {
    return x.narrow(2, row, x.size(2) - 2).narrow(3, column, x.size(3) - 2);
  };
  return shifted(0, 1) + shifted(2, 1) + shifted(1, 0) + shifted(1, 2) - 4.0 * shifted(1, 1);
}

}  // namespace

at::Tensor edge(const at::Tensor& output, const at::Tensor& target) {
  const Pair pair("edge", output, target);
  pair.expect_pictures(3);
  // The Laplacian is linear: that of the difference is the difference of two.
  const auto difference = laplacian(pair.difference());
  return charbonnier(difference, at::zeros_like(difference));
}

}  // namespace chiaro::losses
