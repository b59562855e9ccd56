#include "chiaro/losses/mse.h"

#include "chiaro/losses/pair.h"

namespace chiaro::losses {

at::Tensor mse(const at::Tensor& output, const at::Tensor& target) {
  const Pair pair("mse", output, target);
  return pair.difference().square().mean();
}

}  // namespace chiaro::losses
