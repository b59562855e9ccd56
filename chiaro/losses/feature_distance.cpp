#include "chiaro/losses/feature_distance.h"

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

}  // namespace

at::Tensor feature_distance(const Features& a, const Features& b,
                            const std::vector<double>& weights) {
  expect_layers("feature_distance", a.size(), b.size(), weights.size());
  at::Tensor sum = l1(a[0], b[0]) * weights[0];
  for (std::size_t l = 1; l < a.size(); ++l) sum = sum + l1(a[l], b[l]) * weights[l];
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
