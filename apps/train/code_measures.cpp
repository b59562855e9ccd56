#include "apps/train/code_measures.h"

#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>
#include <string>

#include "apps/train/coded_samples.h"
#include "chiaro/base/error.h"
#include "chiaro/losses/cluster_agreement.h"
#include "chiaro/losses/probes.h"
#include "chiaro/nn/kmeans.h"

namespace chiaro::apps {
namespace {

using Numbers = std::vector<std::int64_t>;

Numbers numbers_of(const at::Tensor& values) {
  const auto plain = values.to(at::kCPU).contiguous();
  const auto* first = plain.const_data_ptr<std::int64_t>();
  return {first, first + plain.numel()};
}

}  // namespace

train::Metrics measure_codes(methods::Method& method, const std::vector<data::Batch>& batches) {
  const methods::Product product = method.product();
  CHIARO_CHECK(product.encoder != nullptr, Usage,
               "[validation] the method makes neither pictures nor codes");
  const CodedSamples coded = encode_samples(*product.encoder, batches, Shown::Crops);
  const Numbers classes = numbers_of(coded.classes);
  train::Metrics metrics;
  const auto add_known = [&](const char* name, double value) {
    if (!std::isnan(value)) metrics[name] = value;  // of one scene or kind alone nothing is known
  };
  add_known("kind_nearest",
            losses::retrieval_at_one(coded.codes, coded.classes, same(coded.scenes).logical_not()));
  const Numbers clusters =
      numbers_of(nn::kmeans(coded.codes, {.clusters = count_of(coded.classes)}).owner);
  metrics["nmi_kmeans"] = losses::normalised_information(clusters, classes);
  metrics["ami_kmeans"] = losses::adjusted_information(clusters, classes);
  if (!product.tree || !product.tree->built()) return metrics;
  const auto device = product.tree->floors().device();
  const auto path = product.tree->path(coded.codes.to(device));
  losses::Paths tree;
  for (std::int64_t l = 0; l < path.size(1); ++l) {
    tree.push_back(numbers_of(path.select(1, l)));
    const std::string level = std::to_string(l + 1);
    metrics["nmi_" + level] = losses::normalised_information(tree.back(), classes);
    metrics["ami_" + level] = losses::adjusted_information(tree.back(), classes);
  }
  add_known("tree_purity", losses::dendrogram_purity(tree, classes));
  const at::Tensor quarter = (4 * coded.severity).clamp_max(3).floor().to(at::kLong);
  const Numbers leaves = numbers_of(4 * coded.classes + quarter);
  add_known("tree_agreement", losses::tree_agreement(tree, {leaves, classes}));
  return metrics;
}

std::vector<std::string> code_measure_names(const methods::Product& product) {
  std::vector<std::string> names{"kind_nearest", "nmi_kmeans", "ami_kmeans"};
  if (!product.tree) return names;
  for (std::int64_t l = 1; l <= product.tree->levels(); ++l) {
    names.push_back("nmi_" + std::to_string(l));
    names.push_back("ami_" + std::to_string(l));
  }
  names.emplace_back("tree_purity");
  names.emplace_back("tree_agreement");
  return names;
}

}  // namespace chiaro::apps
