#include "apps/train/trained_run.h"

#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <utility>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"
#include "chiaro/checkpoint/module_state.h"
#include "chiaro/checkpoint/run_folder.h"
#include "chiaro/train/averaged_weights.h"

namespace chiaro::apps {
namespace {

namespace fs = std::filesystem;

checkpoint::Stored stored_checkpoint(const fs::path& folder, const std::string& weights) {
  if (weights == "best") {
    const fs::path path = folder / "checkpoints" / "best.safetensors";
    checkpoint::Stored stored{0, path, checkpoint::load(path)};
    return stored;
  }
  auto latest = checkpoint::find_latest(folder);
  CHIARO_CHECK(latest.has_value(), Input, "[freeze] no checkpoint in '{}'", folder.string());
  return std::move(*latest);
}

std::map<std::string, at::Tensor> tensors_of(const networks::Network& network) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& item : network.named_parameters()) tensors[item.key()] = item.value();
  for (const auto& item : network.named_buffers()) tensors[item.key()] = item.value();
  return tensors;
}

}  // namespace

TrainedRun load_trained_run(const fs::path& folder, const std::string& weights) {
  const checkpoint::Stored stored = stored_checkpoint(folder, weights);
  const auto text = stored.checkpoint.texts.find("recipe");
  CHIARO_CHECK(text != stored.checkpoint.texts.end(), Bundle, "[freeze] '{}' holds no recipe",
               stored.path.string());
  TrainedRun run{check_training_recipe(parse_recipe(text->second, stored.path.string())), nullptr,
                 nullptr, nullptr, stored.checkpoint.integers.at("step")};
  run.trained = make_network(run.recipe);
  const auto method =
      make_method(run.recipe, run.trained, names_of(stored.checkpoint), Purpose::Freezing);
  checkpoint::take_module(stored.checkpoint, "method", method->state(), method->newer_state());
  if (weights == "last") {
    auto tensors = train::averaged_tensors(*method);
    train::load_averages(stored.checkpoint, tensors, stored.path.string());
  }
  methods::Product product = method->product();
  run.network = std::move(product.restorer);
  run.conditioner = std::move(product.conditioner);
  run.encoder = std::move(product.encoder);
  run.tree = std::move(product.tree);
  run.kinds = names_of(stored.checkpoint).kinds;
  return run;
}

void copy_weights(const networks::Network& from, networks::Network& to,
                  const std::vector<std::string>& allow_missing, const std::string& origin) {
  const c10::NoGradGuard no_grad;
  auto source = tensors_of(from);
  std::vector<std::string> wrong;
  const auto allowed = [&](const std::string& name) {
    return std::ranges::any_of(allow_missing, [&](const std::string& glob) {
      return ::fnmatch(glob.c_str(), name.c_str(), 0) == 0;
    });
  };
  auto target = tensors_of(to);
  for (auto& [name, tensor] : target) {
    const auto found = source.find(name);
    if (found != source.end() && found->second.sizes() == tensor.sizes()) {
      tensor.copy_(found->second);
    } else if (!allowed(name)) {
      wrong.push_back(name);
    }
  }
  for (const auto& [name, tensor] : source) {
    if (target.count(name) == 0 && !allowed(name)) wrong.push_back(name);
  }
  CHIARO_CHECK(
      wrong.empty(), Usage,
      "[study.start] the weights of run '{}' do not fit the network: {}; allow_missing can "
      "name them",
      origin, join(wrong));
}

}  // namespace chiaro::apps
