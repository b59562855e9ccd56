#include "chiaro/methods/stated_truth.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "chiaro/base/rng.h"

namespace chiaro::methods {
namespace {

constexpr double kUnknownSeverity = 0.5;

}  // namespace

at::Tensor true_code(const data::Batch& batch, std::int64_t width) {
  const auto present = batch.kinds.to(at::kFloat);
  const auto severity = at::where(
      batch.severities.lt(0), at::full_like(batch.severities, kUnknownSeverity), batch.severities);
  const auto known = at::cat({present / present.sum(1, /*keepdim=*/true), severity}, 1);
  return at::constant_pad_nd(known, {0, width - known.size(1)}, 0);
}

void mix_in_truth(at::Tensor& code, const data::Batch& batch, std::uint64_t seed, double drop,
                  double truth) {
  const c10::NoGradGuard no_grad;
  const at::Tensor labels = true_code(batch, code.size(1));
  for (std::int64_t i = 0; i < code.size(0); ++i) {
    Rng rng(seed, {stable_hash("told"), batch.seeds[static_cast<std::size_t>(i)]});
    const double u = rng.uniform();
    if (u < drop) {
      code[i].zero_();
    } else if (u < drop + truth) {
      code[i].copy_(labels[i]);
    }
  }
}

at::Tensor codes_of_others(const at::Tensor& code) {
  return code.roll(std::max<std::int64_t>(code.size(0) / 2, 1), 0);
}

}  // namespace chiaro::methods
