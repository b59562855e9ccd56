#include "chiaro/losses/frequency.h"

#include <ATen/ops/fft_rfft2.h>
#include <ATen/ops/view_as_real.h>

#include "chiaro/losses/pair.h"

namespace chiaro::losses {

at::Tensor frequency(const at::Tensor& output, const at::Tensor& target) {
  const Pair pair("frequency", output, target);
  pair.expect_pictures(1);
  // The transform is linear: one of the difference is the difference of two.
  const auto spectrum = at::fft_rfft2(pair.difference(), {}, {-2, -1}, "ortho");
  return at::view_as_real(spectrum).abs().mean();
}

}  // namespace chiaro::losses
