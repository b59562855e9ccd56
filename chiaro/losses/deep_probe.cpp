#include "chiaro/losses/deep_probe.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>
#include <torch/optim/adam.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/losses/probes.h"

namespace chiaro::losses {
namespace {

constexpr std::int64_t kLeastCodes = 20;
// What varies less than this share of the largest value is rounding, which no network is to see
// enlarged.
constexpr double kRounding = 1e-6;
// Share of the mean variance that is added to each when codes are decorrelated.
constexpr double kShrinkage = 1e-2;

struct ProbeSetting {
  bool decorrelated;
  double decay;  ///< of weights, a step, in units of the learning rate
};
constexpr std::array kSettings{ProbeSetting{false, 0.1}, ProbeSetting{false, 3.0},
                               ProbeSetting{true, 3.0}};
constexpr auto kSettingCount = static_cast<std::int64_t>(kSettings.size());

/// The codes as networks take them, by means and variances of those to learn from.
class Forms {
 public:
  explicit Forms(const at::Tensor& train) {
    const auto x = train.to(at::kDouble);
    centre_ = x.mean(0, /*keepdim=*/true);
    const auto deviation = (x - centre_).square().mean(0, /*keepdim=*/true).sqrt();
    const auto varies = deviation.gt(kRounding * x.abs().amax(0, /*keepdim=*/true));
    scale_ = varies.to(at::kDouble) / deviation.masked_fill(varies.logical_not(), 1);
    const auto a = (x - centre_) * scale_;
    const auto [variances, axes] =
        at::linalg_eigh(at::matmul(a.t(), a) / static_cast<double>(x.size(0)));
    const auto shrunk = variances.clamp_min(0) + kShrinkage * variances.mean();
    axes_ = axes / shrunk.sqrt().clamp_min(std::numeric_limits<double>::min());
  }

  /// (n,D) → (settings·folds, n, D) float32.
  at::Tensor operator()(const at::Tensor& codes, std::int64_t folds) const {
    const auto standardised = (codes.to(at::kDouble) - centre_) * scale_;
    const auto decorrelated = at::matmul(standardised, axes_);
    std::vector<at::Tensor> forms;
    for (const auto& setting : kSettings)
      forms.push_back(setting.decorrelated ? decorrelated : standardised);
    return at::stack(forms).to(at::kFloat).repeat_interleave(folds, 0);
  }

 private:
  at::Tensor centre_, scale_, axes_;
};

/// Many small networks side by side; they start undecided, with random hidden layers.
class Networks {
 public:
  Networks(std::int64_t count, std::int64_t in, std::int64_t out, const DeepProbeOptions& options,
           const at::Generator& generator)
      : straight_(at::zeros({count, in, out})) {
    std::int64_t from = in;
    for (std::int64_t layer = 0; layer <= options.layers; ++layer) {
      const bool last = layer == options.layers;
      const std::int64_t to = last ? out : options.hidden;
      const double bound = last ? 0 : std::sqrt(3.0 / static_cast<double>(from));
      weights_.push_back(at::empty({count, from, to}).uniform_(-bound, bound, generator));
      offsets_.push_back(at::empty({count, 1, to}).uniform_(-bound, bound, generator));
      from = to;
    }
    for (auto& tensor : parameters()) tensor.set_requires_grad(true);
  }

  /// (M,n,D) → (M,n,K), before the softmax.
  at::Tensor forward(const at::Tensor& codes) const {
    at::Tensor x = codes;
    for (std::size_t layer = 0; layer < weights_.size(); ++layer) {
      x = at::baddbmm(offsets_[layer], x, weights_[layer]);
      if (layer + 1 < weights_.size()) x = at::relu(x);
    }
    return at::baddbmm(x, codes, straight_);
  }

  std::vector<at::Tensor> parameters() const {
    auto all = weights_;
    all.insert(all.end(), offsets_.begin(), offsets_.end());
    all.push_back(straight_);
    return all;
  }

  /// by (M,1,1): share of each weight that goes.
  void decay(const at::Tensor& by) {
    const c10::NoGradGuard no_grad;
    for (auto& weight : weights_) weight.mul_(1 - by);
    straight_.mul_(1 - by);
  }

 private:
  std::vector<at::Tensor> weights_, offsets_;
  at::Tensor straight_;
};

/// What is to be learned, as the networks take it. Network s·folds + f has setting s and does not
/// learn from the codes of fold f.
struct Lesson {
  std::int64_t folds;
  at::Tensor fold;    // (n): which one a code is kept back with
  at::Tensor codes;   // (M,n,D)
  at::Tensor labels;  // (n)
  at::Tensor learns;  // (M,n) 1 or 0
  at::Tensor asked;   // (M,m,D)
};

/// The networks at the step and setting with most right answers on codes kept back.
struct Best {
  std::int64_t right = -1;
  double surprise = 0;
  at::Tensor answers;  // (m)
};

at::Tensor folds_of(const at::Tensor& groups, std::int64_t folds, at::Generator& generator) {
  const auto [known, number] = at::_unique(groups, /*sorted=*/true, /*return_inverse=*/true);
  return (at::randperm(known.size(0), generator, at::kLong) % folds).index_select(0, number);
}

/// How many codes the linear probe has right when they are kept back.
std::int64_t right_by_line(const at::Tensor& train, const at::Tensor& labels,
                           const at::Tensor& fold, std::int64_t folds) {
  auto answers = at::empty_like(labels);
  for (std::int64_t f = 0; f < folds; ++f) {
    const auto learned = fold.ne(f).nonzero().squeeze(1);
    const auto kept = fold.eq(f).nonzero().squeeze(1);
    answers.index_copy_(0, kept,
                        linear_probe(train.index_select(0, learned),
                                     labels.index_select(0, learned), train.index_select(0, kept)));
  }
  return answers.eq(labels).sum().item<std::int64_t>();
}

/// Ties go to what is the less surprised by the labels.
void look(const Networks& networks, const Lesson& lesson, Best& best) {
  const c10::NoGradGuard no_grad;
  const auto n = lesson.labels.size(0);
  const auto each = at::softmax(networks.forward(lesson.codes), 2);
  const auto labels = each.size(2);
  const auto kept =
      each.view({kSettingCount, lesson.folds, n, labels})
          .gather(1, lesson.fold.view({1, 1, n, 1}).expand({kSettingCount, 1, n, labels}))
          .squeeze(1);
  const auto right = kept.argmax(2).eq(lesson.labels).sum(1);
  const auto surprise = kept.gather(2, lesson.labels.view({1, n, 1}).expand({kSettingCount, n, 1}))
                            .clamp_min(std::numeric_limits<float>::epsilon())
                            .log()
                            .mean({1, 2})
                            .neg();
  for (std::int64_t s = 0; s < kSettingCount; ++s) {
    const auto count = right[s].item<std::int64_t>();
    const auto surprised = surprise[s].item<double>();
    if (std::pair(-count, surprised) >= std::pair(-best.right, best.surprise)) continue;
    const auto said = at::softmax(networks.forward(lesson.asked), 2);
    best = {count, surprised, said.narrow(0, s * lesson.folds, lesson.folds).mean(0).argmax(1)};
  }
}

void take_step(const Networks& networks, torch::optim::Adam& adam, const Lesson& lesson,
               std::int64_t batch, at::Generator& generator) {
  const auto n = lesson.labels.size(0);
  const auto rows =
      n <= batch ? at::arange(n) : at::randperm(n, generator, at::kLong).narrow(0, 0, batch);
  adam.zero_grad();
  const auto said = at::log_softmax(networks.forward(lesson.codes.index_select(1, rows)), 2);
  const auto labels = lesson.labels.index_select(0, rows).view({1, -1, 1});
  const auto learns = lesson.learns.index_select(1, rows);
  const auto losses = -said.gather(2, labels.expand({said.size(0), -1, 1})).squeeze(2) * learns;
  // Networks share no weight, so the sum trains each by itself.
  (losses.sum(1) / learns.sum(1).clamp_min(1)).sum().backward();
  adam.step();
}

Best train_networks(const Lesson& lesson, std::int64_t labels, const DeepProbeOptions& options,
                    at::Generator& generator) {
  const c10::AutoGradMode gradients(true);
  Networks networks(lesson.codes.size(0), lesson.codes.size(2), labels, options, generator);
  torch::optim::Adam adam(networks.parameters(),
                          torch::optim::AdamOptions(options.learning_rate).betas({0.9, 0.99}));
  std::vector<float> decays;
  for (const auto& setting : kSettings)
    decays.insert(decays.end(), lesson.folds, static_cast<float>(setting.decay));
  const auto decay = at::tensor(decays).view({-1, 1, 1});
  Best best;
  for (std::int64_t step = 0; step < options.steps; ++step) {
    if (step % options.look_every == 0) look(networks, lesson, best);
    const double done = static_cast<double>(step) / static_cast<double>(options.steps);
    const double rate = options.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * done));
    for (auto& group : adam.param_groups()) group.options().set_lr(rate);
    take_step(networks, adam, lesson, options.batch, generator);
    networks.decay(rate * decay);
  }
  look(networks, lesson, best);
  return best;
}

void check(const at::Tensor& train, const at::Tensor& labels, const at::Tensor& groups,
           const at::Tensor& asked) {
  CHIARO_CHECK(
      train.dim() == 2 && labels.sizes() == at::IntArrayRef{train.size(0)} &&
          groups.sizes() == labels.sizes() && asked.dim() == 2 && asked.size(1) == train.size(1),
      Internal, "[losses.deep_probe] expected codes (n,D), labels (n), groups (n), codes (m,D)");
  CHIARO_CHECK(train.size(0) >= kLeastCodes, Usage,
               "[losses.deep_probe] too few codes to learn from; got {}; expected {} or more",
               train.size(0), kLeastCodes);
  CHIARO_CHECK(groups.ne(groups[0]).any().item<bool>(), Usage,
               "[losses.deep_probe] all codes are of one group; expected 2 groups or more");
  CHIARO_CHECK(train.isfinite().all().item<bool>() && asked.isfinite().all().item<bool>(), Usage,
               "[losses.deep_probe] some codes are not finite; expected numbers");
}

}  // namespace

at::Tensor deep_probe(const at::Tensor& train, const at::Tensor& labels, const at::Tensor& groups,
                      const at::Tensor& asked, std::uint64_t seed,
                      const DeepProbeOptions& options) {
  check(train, labels, groups, asked);
  const c10::NoGradGuard no_grad;
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  Lesson lesson;
  lesson.fold = folds_of(groups, options.folds, generator);
  lesson.folds = lesson.fold.max().item<std::int64_t>() + 1;
  const Forms forms(train);
  lesson.codes = forms(train, lesson.folds);
  lesson.asked = forms(asked, lesson.folds);
  lesson.labels = labels;
  lesson.learns = at::arange(lesson.folds)
                      .repeat({kSettingCount})
                      .unsqueeze(1)
                      .ne(lesson.fold.unsqueeze(0))
                      .to(at::kFloat);
  const Best best =
      train_networks(lesson, labels.max().item<std::int64_t>() + 1, options, generator);
  return best.right > right_by_line(train, labels, lesson.fold, lesson.folds)
             ? best.answers
             : linear_probe(train, labels, asked);
}

}  // namespace chiaro::losses
