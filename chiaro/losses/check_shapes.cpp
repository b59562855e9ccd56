#include "chiaro/losses/check_shapes.h"

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

}  // namespace

void check_pair(const char* loss, const at::Tensor& output, const at::Tensor& target) {
  CHIARO_CHECK(output.defined() && target.defined(), Internal,
               "[losses.{}] a tensor is missing; got none; expected {}", loss,
               output.defined() ? "a target" : "an output");
  CHIARO_CHECK(output.is_floating_point() && target.is_floating_point(), Internal,
               "[losses.{}] the values are not floating-point; got {} and {}; expected float", loss,
               c10::toString(output.scalar_type()), c10::toString(target.scalar_type()));
  CHIARO_CHECK(output.sizes() == target.sizes() && output.numel() > 0, Internal,
               "[losses.{}] output and target do not match; got {} and {}; expected one shape that "
               "is not empty",
               loss, shape_text(output), shape_text(target));
}

void check_pictures(const char* loss, const at::Tensor& output, const at::Tensor& target,
                    std::int64_t min_side_px) {
  check_pair(loss, output, target);
  CHIARO_CHECK(
      output.dim() == 4 && output.size(2) >= min_side_px && output.size(3) >= min_side_px, Internal,
      "[losses.{}] the shape is wrong; got {}; expected (N,C,H,W) with sides of at least {}", loss,
      shape_text(output), min_side_px);
}

}  // namespace chiaro::losses
