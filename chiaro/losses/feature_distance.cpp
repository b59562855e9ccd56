#include "chiaro/losses/feature_distance.h"

#include <ATen/ATen.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/custom_function.h>

#include "chiaro/base/error.h"
#include "chiaro/losses/l1.h"

namespace chiaro::losses {
namespace {

void expect_layers(const char* loss, std::size_t layers, std::size_t others, std::size_t weights) {
  CHIARO_CHECK(layers > 0 && layers == others && layers == weights, Internal,
               "[losses.{}] the layers do not match; got {} and {} with {} weights; expected one "
               "number, not 0",
               loss, layers, others, weights);
}

void expect_alike(const Features& a, const std::vector<Features>& fixed,
                  const std::vector<double>& weights) {
  CHIARO_CHECK(!fixed.empty(), Internal,
               "[losses.distances_to_fixed] nothing to measure to; expected at least one");
  for (const Features& one : fixed) {
    expect_layers("distances_to_fixed", a.size(), one.size(), weights.size());
    for (std::size_t l = 0; l < a.size(); ++l) {
      CHIARO_CHECK(
          one[l].sizes() == a[l].sizes() && one[l].scalar_type() == a[l].scalar_type(), Internal,
          "[losses.distances_to_fixed] layer {} has another shape or type than a's; expected the "
          "same",
          l);
    }
  }
}

/// a, b_1 … b_K of one layer → 1/K · Σ_k mean|a − b_k|, and the K means.
class MeanOfDistances : public torch::autograd::Function<MeanOfDistances> {
 public:
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context,
                                                const at::Tensor& a,
                                                const std::vector<at::Tensor>* fixed) {
    const auto wide = c10::isReducedFloatingType(a.scalar_type()) ? at::kFloat : a.scalar_type();
    const auto values = static_cast<double>(a.numel());
    at::Tensor pull;  // Σ_k sign(a − b_k): whole numbers, exact in half precision as well
    std::vector<at::Tensor> means;
    for (const at::Tensor& b : *fixed) {
      at::Tensor difference = a - b;
      pull = pull.defined() ? pull.add_(difference.sign()) : difference.sign();
      means.push_back(difference.abs_().sum(wide) / values);
    }
    const at::Tensor each = at::stack(means);
    context->save_for_backward({pull});
    context->saved_data["share"] = 1.0 / (values * static_cast<double>(fixed->size()));
    context->mark_non_differentiable({each});
    return {each.mean(), each};
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const at::Tensor pull = context->get_saved_variables().front();
    return {pull * (gradients.front() * context->saved_data["share"].toDouble()), at::Tensor()};
  }
};

}  // namespace

at::Tensor feature_distance(const Features& a, const Features& b,
                            const std::vector<double>& weights) {
  expect_layers("feature_distance", a.size(), b.size(), weights.size());
  at::Tensor sum = l1(a[0], b[0]) * weights[0];
  for (std::size_t l = 1; l < a.size(); ++l) sum = sum + l1(a[l], b[l]) * weights[l];
  return sum;
}

FixedDistances distances_to_fixed(const Features& a, const std::vector<Features>& fixed,
                                  const std::vector<double>& weights) {
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  expect_alike(a, fixed, weights);
  FixedDistances sum;
  for (std::size_t l = 0; l < a.size(); ++l) {
    std::vector<at::Tensor> layer;
    for (const Features& one : fixed) layer.push_back(one[l]);
    const auto found = MeanOfDistances::apply(a[l], &layer);
    sum.mean = l == 0 ? found[0] * weights[l] : sum.mean + found[0] * weights[l];
    sum.each = l == 0 ? found[1] * weights[l] : sum.each + found[1] * weights[l];
  }
  return sum;
}

at::Tensor feature_contrast(const Features& output, const Features& positive,
                            const Features& negative, const std::vector<double>& weights) {
  constexpr double kEpsilon = 1e-7;
  expect_layers("feature_contrast", output.size(), positive.size(), weights.size());
  expect_layers("feature_contrast", output.size(), negative.size(), weights.size());
  at::Tensor sum;
  for (std::size_t l = 0; l < output.size(); ++l) {
    const at::Tensor ratio =
        l1(output[l], positive[l]) / (l1(output[l], negative[l]) + kEpsilon) * weights[l];
    sum = sum.defined() ? sum + ratio : ratio;
  }
  return sum;
}

}  // namespace chiaro::losses
