#include "chiaro/losses/charbonnier.h"

#include "chiaro/base/error.h"
#include "chiaro/losses/check_shapes.h"

namespace chiaro::losses {

at::Tensor charbonnier(const at::Tensor& output, const at::Tensor& target, double epsilon) {
  check_pair("charbonnier", output, target);
  CHIARO_CHECK(epsilon > 0, Usage,
               "[losses.charbonnier] epsilon is not positive; got {}; expected > 0", epsilon);
  const auto difference = output - target;
  return (difference * difference + epsilon * epsilon).sqrt().mean();
}

}  // namespace chiaro::losses
