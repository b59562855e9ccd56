#include "chiaro/losses/charbonnier.h"

#include "chiaro/base/error.h"
#include "chiaro/losses/pair.h"

namespace chiaro::losses {

at::Tensor charbonnier(const at::Tensor& output, const at::Tensor& target, double epsilon) {
  CHIARO_CHECK(epsilon > 0, Usage,
               "[losses.charbonnier] epsilon is not positive; got {}; expected > 0", epsilon);
  const Pair pair("charbonnier", output, target);
  return (pair.difference().square() + epsilon * epsilon).sqrt().mean();
}

}  // namespace chiaro::losses
