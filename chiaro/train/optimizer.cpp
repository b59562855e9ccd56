#include "chiaro/train/optimizer.h"

#include <tuple>
#include <utility>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>

namespace chiaro::train {
namespace {

constexpr double kTinyNorm = 1e-6;  // as in torch.nn.utils.clip_grad_norm_

void update_all(torch::optim::AdamWOptions& options, at::TensorList weights,
                at::TensorList gradients, at::TensorList means, at::TensorList squares,
                at::TensorList steps) {
  at::_fused_adamw_(weights, gradients, means, squares, {}, steps, options.lr(),
                    std::get<0>(options.betas()), std::get<1>(options.betas()),
                    options.weight_decay(), options.eps(), /*amsgrad=*/false, /*maximize=*/false);
}

void update_all(torch::optim::AdamOptions& options, at::TensorList weights,
                at::TensorList gradients, at::TensorList means, at::TensorList squares,
                at::TensorList steps) {
  at::_fused_adam_(weights, gradients, means, squares, {}, steps, options.lr(),
                   std::get<0>(options.betas()), std::get<1>(options.betas()),
                   options.weight_decay(), options.eps(), /*amsgrad=*/false, /*maximize=*/false);
}

/// `values` in the order in memory that `weight` has: the fused update walks memory, not indices.
at::Tensor laid_out_as(const at::Tensor& weight, const at::Tensor& values) {
  return values.strides() == weight.strides() ? values : at::empty_like(weight).copy_(values);
}

/// Adam or AdamW, all weights of a group in one pass: on a card a launch costs more than the
/// arithmetic, and on a CPU libtorch's own, a pass over memory for each operation, takes more
/// than twice as long (docs/speed_history.md). It has the state of libtorch's, so that a checkpoint
/// does not tell which wrote it.
template <typename Base, typename State, typename Options>
class Fused : public Base {
 public:
  using Base::Base;

  at::Tensor step(torch::optim::Optimizer::LossClosure /*closure*/ = nullptr) override {
    const c10::NoGradGuard no_grad;
    for (auto& group : this->param_groups()) update(group);
    return {};
  }

 private:
  State& state_of(const at::Tensor& weight) {
    auto& held = this->state()[weight.unsafeGetTensorImpl()];
    if (held == nullptr) {
      auto fresh = std::make_unique<State>();
      fresh->exp_avg(at::zeros_like(weight));
      fresh->exp_avg_sq(at::zeros_like(weight));
      held = std::move(fresh);
    }
    auto& state = static_cast<State&>(*held);
    state.exp_avg(laid_out_as(weight, state.exp_avg()));
    state.exp_avg_sq(laid_out_as(weight, state.exp_avg_sq()));
    return state;
  }

  void update(torch::optim::OptimizerParamGroup& group) {
    std::vector<at::Tensor> weights;
    std::vector<at::Tensor> gradients;
    std::vector<at::Tensor> means;
    std::vector<at::Tensor> squares;
    std::vector<at::Tensor> steps;
    for (const auto& weight : group.params()) {
      if (!weight.grad().defined()) continue;
      auto& held = state_of(weight);
      held.step(held.step() + 1);
      weights.push_back(weight);
      gradients.push_back(laid_out_as(weight, weight.grad()));
      means.push_back(held.exp_avg());
      squares.push_back(held.exp_avg_sq());
      // Weights that skipped a step count for themselves; the others share one number.
      if (steps.empty() || last_count_ != held.step())
        shared_step_ = at::full({}, held.step(), weight.options().dtype(at::kFloat));
      last_count_ = held.step();
      steps.push_back(shared_step_);
    }
    if (weights.empty()) return;
    update_all(static_cast<Options&>(group.options()), weights, gradients, means, squares, steps);
  }

  at::Tensor shared_step_;
  std::int64_t last_count_ = -1;
};

using FusedAdam =
    Fused<torch::optim::Adam, torch::optim::AdamParamState, torch::optim::AdamOptions>;
using FusedAdamW =
    Fused<torch::optim::AdamW, torch::optim::AdamWParamState, torch::optim::AdamWOptions>;

template <typename Optimizer, typename Options>
std::unique_ptr<torch::optim::Optimizer> make(const std::vector<at::Tensor>& weights,
                                              const OptimizerOptions& options) {
  std::vector<at::Tensor> decayed;
  std::vector<at::Tensor> plain;
  for (const auto& weight : weights) (weight.dim() >= 2 ? decayed : plain).push_back(weight);
  const auto group = [&](std::vector<at::Tensor> members, double decay) {
    auto group_options = std::make_unique<Options>(options.learning_rate);
    group_options->betas({options.beta1, options.beta2}).weight_decay(decay);
    return torch::optim::OptimizerParamGroup(std::move(members), std::move(group_options));
  };
  std::vector<torch::optim::OptimizerParamGroup> groups;
  if (!decayed.empty()) groups.push_back(group(std::move(decayed), options.weight_decay));
  if (!plain.empty()) groups.push_back(group(std::move(plain), 0));
  return std::make_unique<Optimizer>(std::move(groups), Options(options.learning_rate));
}

}  // namespace

std::unique_ptr<torch::optim::Optimizer> make_optimizer(const std::vector<at::Tensor>& weights,
                                                        const OptimizerOptions& options) {
  if (options.kind == "adam") return make<FusedAdam, torch::optim::AdamOptions>(weights, options);
  return make<FusedAdamW, torch::optim::AdamWOptions>(weights, options);
}

double clip_gradients(const std::vector<at::Tensor>& weights, double limit) {
  const c10::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  for (const auto& weight : weights) {
    if (weight.grad().defined()) gradients.push_back(weight.grad());
  }
  if (gradients.empty()) return 0;
  const double norm = at::stack(at::_foreach_norm(gradients)).norm().item<double>();
  if (limit > 0 && norm > limit) at::_foreach_mul_(gradients, limit / (norm + kTinyNorm));
  return norm;
}

}  // namespace chiaro::train
