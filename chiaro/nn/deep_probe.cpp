#include "chiaro/nn/deep_probe.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/nn/generator_scope.h"

namespace chiaro::nn {
namespace {

constexpr std::int64_t kLeastCodes = 20;
constexpr double kProbeSlope = 0.01;

struct Classifier : torch::nn::Module {
  Classifier(std::int64_t in, std::int64_t out, const DeepProbeOptions& options) {
    for (std::int64_t i = 0; i < options.layers; ++i) {
      const bool last = i + 1 == options.layers;
      linear.push_back(register_module(
          "linear" + std::to_string(i),
          torch::nn::Linear(i == 0 ? in : options.hidden, last ? out : options.hidden)));
      if (!last)
        norm.push_back(
            register_module("norm" + std::to_string(i), torch::nn::BatchNorm1d(options.hidden)));
    }
  }
  at::Tensor forward(at::Tensor x) {
    for (std::size_t i = 0; i < norm.size(); ++i)
      x = at::leaky_relu(norm[i]->forward(linear[i]->forward(x)), kProbeSlope);
    return linear.back()->forward(x);
  }
  std::vector<torch::nn::Linear> linear;
  std::vector<torch::nn::BatchNorm1d> norm;
};

at::Tensor answers_of(Classifier& classifier, const at::Tensor& codes) {
  const c10::NoGradGuard no_grad;
  classifier.eval();
  const auto answers = classifier.forward(codes).argmax(1);
  classifier.train();
  return answers;
}

void train_epoch(Classifier& classifier, torch::optim::Adam& optimizer, const at::Tensor& codes,
                 const at::Tensor& labels, std::int64_t batch) {
  const auto order = at::randperm(codes.size(0));
  for (const auto& rows : order.split(batch)) {
    if (rows.size(0) < 2) continue;  // batch norm needs two
    optimizer.zero_grad();
    at::cross_entropy_loss(classifier.forward(codes.index_select(0, rows)),
                           labels.index_select(0, rows))
        .backward();
    optimizer.step();
  }
}

}  // namespace

at::Tensor deep_probe(const at::Tensor& train, const at::Tensor& labels, const at::Tensor& asked,
                      std::uint64_t seed, const DeepProbeOptions& options) {
  CHIARO_CHECK(train.dim() == 2 && labels.sizes() == at::IntArrayRef{train.size(0)} &&
                   asked.dim() == 2 && asked.size(1) == train.size(1),
               Internal, "[nn.deep_probe] expected codes (n,D), labels (n), codes (m,D)");
  CHIARO_CHECK(train.size(0) >= kLeastCodes, Usage,
               "[nn.deep_probe] {} codes to learn from; expected {} or more", train.size(0),
               kLeastCodes);
  const c10::AutoGradMode gradients(true);
  const GeneratorScope scope(seed);
  const auto codes = train.detach().to(at::kFloat);
  Classifier classifier(train.size(1), labels.max().item<std::int64_t>() + 1, options);
  torch::optim::Adam optimizer(classifier.parameters(),
                               torch::optim::AdamOptions(options.learning_rate));
  const auto order = at::randperm(train.size(0));
  const auto kept = std::max<std::int64_t>(
      1, std::llround(options.kept_back * static_cast<double>(train.size(0))));
  const auto back = order.narrow(0, 0, kept);
  const auto learnt = order.narrow(0, kept, train.size(0) - kept);
  const auto back_codes = codes.index_select(0, back);
  const auto back_labels = labels.index_select(0, back);
  const auto learnt_codes = codes.index_select(0, learnt);
  const auto learnt_labels = labels.index_select(0, learnt);

  at::Tensor answers;
  double best = -1;
  std::int64_t since = 0;
  for (std::int64_t epoch = 0; epoch < options.epochs && since < options.patience; ++epoch) {
    train_epoch(classifier, optimizer, learnt_codes, learnt_labels, options.batch);
    const double right =
        answers_of(classifier, back_codes).eq(back_labels).to(at::kDouble).mean().item<double>();
    ++since;
    if (right <= best) continue;
    best = right;
    since = 0;
    answers = answers_of(classifier, asked.detach().to(at::kFloat));
  }
  return answers;
}

}  // namespace chiaro::nn
