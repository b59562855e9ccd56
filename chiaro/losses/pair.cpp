#include "chiaro/losses/pair.h"

#include <sstream>
#include <string>

#include "chiaro/base/error.h"

namespace chiaro::losses {
namespace {

std::string shape_text(const at::Tensor& tensor) {
  std::ostringstream text;
  text << tensor.sizes();
  return text.str();
}

at::Tensor widened(const at::Tensor& tensor) {
  return c10::isReducedFloatingType(tensor.scalar_type()) ? tensor.to(at::kFloat) : tensor;
}

}  // namespace

Pair::Pair(const char* loss, const at::Tensor& output, const at::Tensor& target) : loss_(loss) {
  CHIARO_CHECK(output.defined() && target.defined(), Internal,
               "[losses.{}] a tensor is missing; got an undefined {}; expected output and target",
               loss, output.defined() ? "target" : "output");
  CHIARO_CHECK(
      output.is_floating_point() && target.is_floating_point(), Internal,
      "[losses.{}] the values are not real numbers; got {} and {}; expected floating-point", loss,
      c10::toString(output.scalar_type()), c10::toString(target.scalar_type()));
  CHIARO_CHECK(
      output.sizes() == target.sizes() && output.numel() > 0, Internal,
      "[losses.{}] output and target do not match; got {} and {}; expected one shape, not empty",
      loss, shape_text(output), shape_text(target));
  output_ = widened(output);
  target_ = widened(target);
}

void Pair::expect_pictures(std::int64_t min_side_px) const {
  CHIARO_CHECK(
      output_.dim() == 4 && output_.size(2) >= min_side_px && output_.size(3) >= min_side_px,
      Internal,
      "[losses.{}] the shape does not suit; got {}; expected (N,C,H,W) with sides of at least {}",
      loss_, shape_text(output_), min_side_px);
}

}  // namespace chiaro::losses
