#include "chiaro/methods/stated_truth.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

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

at::Tensor codes_of_others(const at::Tensor& code, const data::Batch& batch, std::uint64_t seed) {
  const at::Tensor held = batch.content.to(at::kCPU, at::kLong).contiguous();
  const std::span scenes(held.data_ptr<std::int64_t>(), static_cast<std::size_t>(held.numel()));
  std::vector<std::int64_t> partners;
  for (std::size_t i = 0; i < scenes.size(); ++i) {
    std::vector<std::int64_t> elsewhere;
    std::vector<std::int64_t> others;
    for (std::size_t j = 0; j < scenes.size(); ++j) {
      if (j == i) continue;
      others.push_back(static_cast<std::int64_t>(j));
      if (scenes[j] != scenes[i]) elsewhere.push_back(others.back());
    }
    const auto& choice = elsewhere.empty() ? others : elsewhere;
    Rng rng(seed, {stable_hash("other"), batch.seeds[i]});
    partners.push_back(
        choice.empty() ? static_cast<std::int64_t>(i)
                       : choice[static_cast<std::size_t>(rng.integer(0, std::ssize(choice) - 1))]);
  }
  return code.index_select(0, at::tensor(partners, at::kLong).to(code.device()));
}

}  // namespace chiaro::methods
