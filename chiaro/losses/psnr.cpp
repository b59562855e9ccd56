#include "chiaro/losses/psnr.h"

#include "chiaro/losses/pair.h"

namespace chiaro::losses {
namespace {

constexpr double kFloor = 1e-8;

}  // namespace

at::Tensor psnr(const at::Tensor& output, const at::Tensor& target) {
  const Pair pair("psnr", output, target);
  pair.expect_pictures(1);
  return 10.0 * (pair.difference().square().mean(at::IntArrayRef{1, 2, 3}) + kFloor).log10().mean();
}

}  // namespace chiaro::losses
