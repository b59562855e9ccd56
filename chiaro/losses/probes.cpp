#include "chiaro/losses/probes.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <limits>

#include "chiaro/base/error.h"

namespace chiaro::losses {

at::Tensor ridge_regression(const at::Tensor& train, const at::Tensor& targets,
                            const at::Tensor& asked, double ridge) {
  CHIARO_CHECK(train.dim() == 2 && targets.dim() == 2 && asked.dim() == 2 &&
                   targets.size(0) == train.size(0) && asked.size(1) == train.size(1),
               Internal,
               "[losses.ridge_regression] expected codes (n,D), targets (n,T), codes (m,D)");
  CHIARO_CHECK(train.size(0) > 0, Usage,
               "[losses.ridge_regression] there are no codes to learn from");
  const c10::NoGradGuard no_grad;
  const auto x = train.to(at::kDouble);
  const auto t = targets.to(at::kDouble);
  const auto centre = x.mean(0, /*keepdim=*/true);
  const auto scale = (x - centre).square().mean(0, /*keepdim=*/true).sqrt().clamp_min(1e-9);
  const auto a = (x - centre) / scale;
  const auto offset = t.mean(0, /*keepdim=*/true);
  const auto n = static_cast<double>(x.size(0));
  const auto gram = at::matmul(a.t(), a) + ridge * n * at::eye(x.size(1), x.options());
  const auto weights = at::linalg_solve(gram, at::matmul(a.t(), t - offset));
  return at::matmul((asked.to(at::kDouble) - centre) / scale, weights) + offset;
}

at::Tensor linear_probe(const at::Tensor& train, const at::Tensor& labels, const at::Tensor& asked,
                        double ridge) {
  const auto known = labels.numel() == 0 ? 1 : labels.max().item<std::int64_t>() + 1;
  return ridge_regression(train, at::one_hot(labels, known), asked, ridge).argmax(1);
}

double retrieval_at_one(const at::Tensor& codes, const at::Tensor& labels,
                        const at::Tensor& allowed) {
  const auto count = codes.size(0);
  CHIARO_CHECK(
      codes.dim() == 2 && labels.sizes() == at::IntArrayRef{count} &&
          allowed.sizes() == at::IntArrayRef({count, count}) && allowed.scalar_type() == at::kBool,
      Internal, "[losses.retrieval_at_one] expected codes (N,D), labels (N), allowed (N,N) bool");
  const c10::NoGradGuard no_grad;
  const auto z = codes.to(at::kDouble);
  const auto others = at::eye(count, allowed.options()).logical_not().logical_and(allowed);
  const auto cosines = at::matmul(z, z.t()).masked_fill(others.logical_not(),
                                                        -std::numeric_limits<double>::infinity());
  const auto same = labels.unsqueeze(0).eq(labels.unsqueeze(1));
  const auto reachable = same.logical_and(cosines.isfinite()).any(1);
  const auto found = same.gather(1, cosines.argmax(1, /*keepdim=*/true)).squeeze(1);
  return found.masked_select(reachable).to(at::kDouble).mean().item<double>();
}

double normalised_accuracy(const at::Tensor& answers, const at::Tensor& labels,
                           std::int64_t count) {
  CHIARO_CHECK(answers.dim() == 1 && answers.sizes() == labels.sizes(), Internal,
               "[losses.normalised_accuracy] expected answers and labels (m)");
  CHIARO_CHECK(count >= 2, Usage, "[losses.normalised_accuracy] {} labels; expected 2 or more",
               count);
  CHIARO_CHECK(answers.numel() > 0, Usage, "[losses.normalised_accuracy] nobody was asked");
  const double accuracy = answers.eq(labels).to(at::kDouble).mean().item<double>();
  const double chance = 1.0 / static_cast<double>(count);
  return (accuracy - chance) / (1 - chance);
}

}  // namespace chiaro::losses
