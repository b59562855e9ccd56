#include "chiaro/checkpoint/module_state.h"

#include <ATen/core/grad_mode.h>
#include <ATen/TensorUtils.h>
#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"

namespace chiaro::checkpoint {
namespace {

/// Parameters and buffers by name.
std::map<std::string, at::Tensor> named_tensors(const torch::nn::Module& module) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& item : module.named_parameters()) tensors[item.key()] = item.value();
  for (const auto& item : module.named_buffers()) {
    if (item.value().defined()) tensors[item.key()] = item.value();
  }
  return tensors;
}

bool matches_any(const std::string& name, const std::vector<std::string>& patterns) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
  });
}

/// "float32 (3, 4)" for messages.
std::string form(const at::Tensor& tensor) {
  std::ostringstream text;
  text << at::toString(tensor.scalar_type()) << " " << tensor.sizes();
  return text.str();
}

}  // namespace

void put_module(Checkpoint& checkpoint, const std::string& prefix,
                const torch::nn::Module& module) {
  for (const auto& [name, tensor] : named_tensors(module)) {
    const auto key = below(prefix, name);
    const bool added = checkpoint.tensors.emplace(key, tensor.detach().clone()).second;
    CHIARO_CHECK(added, Internal, "[checkpoint.put_module] the checkpoint already holds '{}'", key);
  }
}

void take_module(const Checkpoint& checkpoint, const std::string& prefix, torch::nn::Module& module,
                 const std::vector<std::string>& allow_missing) {
  auto wanted = named_tensors(module);
  std::vector<std::string> problems;
  std::vector<std::pair<at::Tensor, at::Tensor>> copies;  // to, from
  for (auto& [name, target] : wanted) {
    const auto found = checkpoint.tensors.find(below(prefix, name));
    const bool same = found != checkpoint.tensors.end() &&
                      found->second.sizes() == target.sizes() &&
                      found->second.scalar_type() == target.scalar_type();
    if (same) {
      copies.emplace_back(target, found->second);
    } else if (matches_any(name, allow_missing)) {
      continue;
    } else if (found == checkpoint.tensors.end()) {
      problems.push_back(fmt::format("'{}' is missing", name));
    } else {
      problems.push_back(fmt::format("'{}' is {} where the network has {}", name,
                                     form(found->second), form(target)));
    }
  }
  for (const auto& [key, tensor] : checkpoint.tensors) {
    if (!is_below(key, prefix)) continue;
    const auto name = prefix.empty() ? key : key.substr(prefix.size() + 1);
    if (!wanted.contains(name) && !matches_any(name, allow_missing)) {
      problems.push_back(fmt::format("'{}' is not part of the network", name));
    }
  }
  constexpr std::size_t kShown = 4;
  const std::size_t more = problems.size() > kShown ? problems.size() - kShown : 0;
  problems.resize(problems.size() - more);
  CHIARO_CHECK(problems.empty(), Bundle, "[checkpoint.take_module] the weights do not fit: {}{}",
               join(problems), more > 0 ? fmt::format(" and {} more", more) : "");
  const at::NoGradGuard no_grad;
  for (auto& [to, from] : copies) to.copy_(from);
}

}  // namespace chiaro::checkpoint
