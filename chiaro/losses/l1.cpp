#include "chiaro/losses/l1.h"

#include "chiaro/losses/check_shapes.h"

namespace chiaro::losses {

at::Tensor l1(const at::Tensor& output, const at::Tensor& target) {
  check_pair("l1", output, target);
  return (output - target).abs().mean();
}

}  // namespace chiaro::losses
