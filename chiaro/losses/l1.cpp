#include "chiaro/losses/l1.h"

#include "chiaro/losses/pair.h"

namespace chiaro::losses {

at::Tensor l1(const at::Tensor& output, const at::Tensor& target) {
  const Pair pair("l1", output, target);
  return pair.difference().abs().mean();
}

}  // namespace chiaro::losses
