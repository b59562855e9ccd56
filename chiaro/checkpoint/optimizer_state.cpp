#include "chiaro/checkpoint/optimizer_state.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>

#include <cstdint>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "chiaro/base/error.h"

namespace chiaro::checkpoint {
namespace {

using torch::optim::Optimizer;
using torch::optim::OptimizerOptions;
using torch::optim::OptimizerParamState;

/// The two optimisers have the same options and state under different type names.
struct AdamKind {
  static constexpr const char* kName = "adam";
  using Options = torch::optim::AdamOptions;
  using State = torch::optim::AdamParamState;
};
struct AdamWKind {
  static constexpr const char* kName = "adamw";
  using Options = torch::optim::AdamWOptions;
  using State = torch::optim::AdamWParamState;
};

std::string group_name(const std::string& prefix, std::size_t group) {
  return below(prefix, fmt::format("{}", group));
}

template <typename Kind>
void put(Checkpoint& checkpoint, const std::string& prefix, const Optimizer& optimizer) {
  checkpoint.texts[below(prefix, "kind")] = Kind::kName;
  const auto& groups = optimizer.param_groups();
  checkpoint.integers[below(prefix, "groups")] = static_cast<std::int64_t>(groups.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const auto group = group_name(prefix, g);
    const auto& params = groups[g].params();
    const auto& options = static_cast<const typename Kind::Options&>(groups[g].options());
    checkpoint.integers[group + ".params"] = static_cast<std::int64_t>(params.size());
    checkpoint.integers[group + ".amsgrad"] = options.amsgrad() ? 1 : 0;
    checkpoint.numbers[group + ".lr"] = options.lr();
    checkpoint.numbers[group + ".beta1"] = std::get<0>(options.betas());
    checkpoint.numbers[group + ".beta2"] = std::get<1>(options.betas());
    checkpoint.numbers[group + ".eps"] = options.eps();
    checkpoint.numbers[group + ".weight_decay"] = options.weight_decay();
    for (std::size_t p = 0; p < params.size(); ++p) {
      const auto found = optimizer.state().find(params[p].unsafeGetTensorImpl());
      if (found == optimizer.state().end()) continue;
      const auto& state = static_cast<const typename Kind::State&>(*found->second);
      const auto name = fmt::format("{}.{}", group, p);
      checkpoint.integers[name + ".step"] = state.step();
      checkpoint.tensors[name + ".exp_avg"] = state.exp_avg().detach().clone();
      checkpoint.tensors[name + ".exp_avg_sq"] = state.exp_avg_sq().detach().clone();
      if (state.max_exp_avg_sq().defined()) {
        checkpoint.tensors[name + ".max_exp_avg_sq"] = state.max_exp_avg_sq().detach().clone();
      }
    }
  }
}

/// Reads entries below the prefix and counts them, so that left-over ones can be found.
class Reader {
 public:
  Reader(const Checkpoint& checkpoint, std::string prefix)
      : checkpoint_(checkpoint), prefix_(std::move(prefix)) {}

  template <typename T>
  const T& get(const std::map<std::string, T>& values, const std::string& name) {
    const auto found = values.find(name);
    CHIARO_CHECK(found != values.end(), Bundle, "[checkpoint.take_optimizer] '{}' is missing",
                 name);
    ++used_;
    return found->second;
  }
  double number(const std::string& name) { return get(checkpoint_.numbers, name); }
  std::int64_t integer(const std::string& name) { return get(checkpoint_.integers, name); }
  bool has_integer(const std::string& name) const { return checkpoint_.integers.contains(name); }
  bool has_tensor(const std::string& name) const { return checkpoint_.tensors.contains(name); }

  void expect(const std::string& name, std::size_t expected) {
    const auto got = integer(name);
    CHIARO_CHECK(got == static_cast<std::int64_t>(expected), Bundle,
                 "[checkpoint.take_optimizer] '{}' differs; got {}; expected {}", name, got,
                 expected);
  }

  /// A copy with the device and layout of the parameter.
  at::Tensor tensor(const std::string& name, const at::Tensor& param) {
    const auto& stored = get(checkpoint_.tensors, name);
    CHIARO_CHECK(
        stored.sizes() == param.sizes() && stored.scalar_type() == param.scalar_type(), Bundle,
        "[checkpoint.take_optimizer] '{}' has not the shape and type of its parameter", name);
    return at::empty_like(param).copy_(stored);
  }

  void finish() const {
    std::size_t held = 0;
    const auto count = [&](const auto& values) {
      for (const auto& [name, value] : values) held += is_below(name, prefix_) ? 1 : 0;
    };
    count(checkpoint_.tensors);
    count(checkpoint_.texts);
    count(checkpoint_.integers);
    count(checkpoint_.numbers);
    CHIARO_CHECK(held == used_, Bundle,
                 "[checkpoint.take_optimizer] '{}' holds {} entries; expected {}", prefix_, held,
                 used_);
  }

 private:
  const Checkpoint& checkpoint_;
  std::string prefix_;
  std::size_t used_ = 0;
};

template <typename Kind>
void take(const Checkpoint& checkpoint, const std::string& prefix, Optimizer& optimizer) {
  Reader reader(checkpoint, prefix);
  const auto& kind = reader.get(checkpoint.texts, below(prefix, "kind"));
  CHIARO_CHECK(
      kind == Kind::kName, Bundle,
      "[checkpoint.take_optimizer] the state is of another optimiser; got '{}'; expected '{}'",
      kind, Kind::kName);
  auto& groups = optimizer.param_groups();
  reader.expect(below(prefix, "groups"), groups.size());
  const at::NoGradGuard no_grad;
  std::vector<std::unique_ptr<OptimizerOptions>> options;
  std::vector<std::pair<void*, std::unique_ptr<OptimizerParamState>>> states;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const auto group = group_name(prefix, g);
    const auto& params = groups[g].params();
    reader.expect(group + ".params", params.size());
    auto group_options = std::make_unique<typename Kind::Options>();
    group_options->amsgrad(reader.integer(group + ".amsgrad") != 0)
        .lr(reader.number(group + ".lr"))
        .betas({reader.number(group + ".beta1"), reader.number(group + ".beta2")})
        .eps(reader.number(group + ".eps"))
        .weight_decay(reader.number(group + ".weight_decay"));
    options.push_back(std::move(group_options));
    for (std::size_t p = 0; p < params.size(); ++p) {
      const auto name = fmt::format("{}.{}", group, p);
      if (!reader.has_integer(name + ".step")) continue;
      auto state = std::make_unique<typename Kind::State>();
      state->step(reader.integer(name + ".step"));
      state->exp_avg(reader.tensor(name + ".exp_avg", params[p]));
      state->exp_avg_sq(reader.tensor(name + ".exp_avg_sq", params[p]));
      if (reader.has_tensor(name + ".max_exp_avg_sq")) {
        state->max_exp_avg_sq(reader.tensor(name + ".max_exp_avg_sq", params[p]));
      }
      states.emplace_back(params[p].unsafeGetTensorImpl(), std::move(state));
    }
  }
  reader.finish();
  for (std::size_t g = 0; g < groups.size(); ++g) groups[g].set_options(std::move(options[g]));
  optimizer.state().clear();
  for (auto& [param, state] : states) optimizer.state()[param] = std::move(state);
}

}  // namespace

void put_optimizer(Checkpoint& checkpoint, const std::string& prefix, const Optimizer& optimizer) {
  if (dynamic_cast<const torch::optim::AdamW*>(&optimizer) != nullptr) {
    put<AdamWKind>(checkpoint, prefix, optimizer);
  } else if (dynamic_cast<const torch::optim::Adam*>(&optimizer) != nullptr) {
    put<AdamKind>(checkpoint, prefix, optimizer);
  } else {
    fail(ErrorCode::Internal,
         "[checkpoint.put_optimizer] got an optimiser that is neither Adam nor AdamW");
  }
}

void take_optimizer(const Checkpoint& checkpoint, const std::string& prefix, Optimizer& optimizer) {
  if (dynamic_cast<const torch::optim::AdamW*>(&optimizer) != nullptr) {
    take<AdamWKind>(checkpoint, prefix, optimizer);
  } else if (dynamic_cast<const torch::optim::Adam*>(&optimizer) != nullptr) {
    take<AdamKind>(checkpoint, prefix, optimizer);
  } else {
    fail(ErrorCode::Internal,
         "[checkpoint.take_optimizer] got an optimiser that is neither Adam nor AdamW");
  }
}

}  // namespace chiaro::checkpoint
