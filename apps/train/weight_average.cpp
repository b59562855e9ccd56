#include "apps/train/weight_average.h"

#include <map>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/freeze/freeze.h"

namespace chiaro::apps {
namespace {

namespace fs = std::filesystem;

using Tensors = std::map<std::string, at::Tensor>;

void add_tensors(const torch::nn::Module& module, const std::string& prefix, Tensors& tensors) {
  for (const auto& item : module.named_parameters()) tensors[prefix + item.key()] = item.value();
  for (const auto& item : module.named_buffers()) {
    if (item.value().is_floating_point()) tensors[prefix + item.key()] = item.value();
  }
}

Tensors tensors_of(const TrainedRun& run) {
  Tensors tensors;
  add_tensors(*run.network, "", tensors);
  if (run.conditioner) add_tensors(*run.conditioner, "controller.", tensors);
  return tensors;
}

/// `path` is a run folder, or a bundle whose weights fit the run in `folder`.
TrainedRun load_other(const fs::path& path, const fs::path& folder, const std::string& weights) {
  if (fs::is_directory(path)) return load_trained_run(path, weights);
  TrainedRun other = load_trained_run(folder, "last");
  const bundle::Bundle from = bundle::read_bundle(path);
  freeze::thaw(from, *other.network);
  CHIARO_CHECK(from.has(bundle::kConditionMember) == (other.conditioner != nullptr), Usage,
               "[freeze.average] of '{}' and '{}' only one has a controller", path.string(),
               folder.string());
  if (other.conditioner) {
    freeze::thaw(from, *other.conditioner);
    other.kinds = from.manifest.condition->types;
  }
  return other;
}

}  // namespace

void average_weights(TrainedRun& run, const fs::path& folder,
                     const std::vector<std::string>& others, const std::string& weights) {
  CHIARO_CHECK(run.network != nullptr, Usage, "[freeze.average] '{}' trains no restorer",
               folder.string());
  const c10::NoGradGuard no_grad;
  Tensors means = tensors_of(run);
  for (const std::string& path : others) {
    const TrainedRun other = load_other(path, folder, weights);
    CHIARO_CHECK(other.network != nullptr, Usage, "[freeze.average] '{}' trains no restorer", path);
    CHIARO_CHECK(!run.conditioner || other.kinds == run.kinds, Usage,
                 "[freeze.average] the controllers of '{}' and '{}' name other damages: {}; {}",
                 path, folder.string(), join(other.kinds), join(run.kinds));
    const Tensors added = tensors_of(other);
    for (auto& [name, mean] : means) {
      const auto found = added.find(name);
      CHIARO_CHECK(found != added.end() && found->second.sizes() == mean.sizes() &&
                       added.size() == means.size(),
                   Usage, "[freeze.average] '{}' is another network than '{}': '{}' differs", path,
                   folder.string(), name);
      mean.add_(found->second);
    }
  }
  for (auto& [name, mean] : means) mean.div_(static_cast<double>(others.size() + 1));
}

}  // namespace chiaro::apps
