#include "apps/train/code_measures.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/losses/cluster_agreement.h"
#include "chiaro/nn/kmeans.h"

namespace chiaro::apps {
namespace {

using Numbers = std::vector<std::int64_t>;

/// Codes with what is known of their samples.
struct Coded {
  at::Tensor codes;  // (n,D)
  Numbers classes;   // by the set of kinds
  Numbers leaves;    // by class and quarter of severity
  at::Tensor content;
};

Coded encode(networks::Encoder& encoder, const std::vector<data::Batch>& batches) {
  const at::NoGradGuard no_grad;
  const auto device = encoder.parameters().front().device();
  const bool training = encoder.is_training();
  encoder.eval();
  Coded all;
  std::vector<at::Tensor> codes;
  std::vector<at::Tensor> content;
  std::map<std::string, std::int64_t> known;
  for (const auto& batch : batches) {
    codes.push_back(encoder.encode(batch.input.to(device)).to(at::kCPU));
    content.push_back(batch.content);
    for (std::int64_t i = 0; i < batch.kinds.size(0); ++i) {
      std::string set;
      for (std::int64_t k = 0; k < batch.kinds.size(1); ++k)
        set += batch.kinds[i][k].item<bool>() ? '1' : '0';
      const auto number = known.emplace(set, static_cast<std::int64_t>(known.size())).first->second;
      const double quarter = std::floor(std::min(4 * batch.severity[i].item<double>(), 3.0));
      all.classes.push_back(number);
      all.leaves.push_back(4 * number + static_cast<std::int64_t>(quarter));
    }
  }
  encoder.train(training);
  all.codes = at::cat(codes);
  all.content = at::cat(content);
  return all;
}

double nearest_has_same_kinds(const Coded& coded) {
  auto cosine = at::matmul(coded.codes, coded.codes.t());
  const auto same_picture = coded.content.unsqueeze(0).eq(coded.content.unsqueeze(1));
  cosine = cosine.masked_fill(same_picture, -2);
  const auto [best, place] = cosine.max(1);
  double right = 0;
  double count = 0;
  for (std::size_t i = 0; i < coded.classes.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    if (best[row].item<double>() < -1.5) continue;  // no other picture
    const auto other = static_cast<std::size_t>(place[row].item<std::int64_t>());
    right += coded.classes[i] == coded.classes[other] ? 1 : 0;
    ++count;
  }
  return count > 0 ? right / count : 0;
}

Numbers numbers_of(const at::Tensor& values) {
  const auto plain = values.to(at::kCPU).contiguous();
  const auto* first = plain.const_data_ptr<std::int64_t>();
  return {first, first + plain.numel()};
}

double or_zero(double value) {
  return std::isnan(value) ? 0 : value;
}

}  // namespace

train::Metrics measure_codes(methods::Method& method, const std::vector<data::Batch>& batches) {
  const methods::Product product = method.product();
  CHIARO_CHECK(product.encoder != nullptr, Usage,
               "[validation] the method makes neither pictures nor codes");
  const Coded coded = encode(*product.encoder, batches);
  train::Metrics metrics;
  metrics["kind_nearest"] = nearest_has_same_kinds(coded);
  const std::int64_t classes = 1 + *std::ranges::max_element(coded.classes);
  const Numbers clusters = numbers_of(nn::kmeans(coded.codes, {.clusters = classes}).owner);
  metrics["nmi_kmeans"] = losses::normalised_information(clusters, coded.classes);
  metrics["ami_kmeans"] = losses::adjusted_information(clusters, coded.classes);
  if (!product.tree || !product.tree->built()) return metrics;
  const auto device = product.tree->floors().device();
  const auto path = product.tree->path(coded.codes.to(device));
  losses::Paths tree;
  for (std::int64_t l = 0; l < path.size(1); ++l) {
    tree.push_back(numbers_of(path.select(1, l)));
    const std::string level = std::to_string(l + 1);
    metrics["nmi_" + level] = losses::normalised_information(tree.back(), coded.classes);
    metrics["ami_" + level] = losses::adjusted_information(tree.back(), coded.classes);
  }
  metrics["tree_purity"] = or_zero(losses::dendrogram_purity(tree, coded.classes));
  metrics["tree_agreement"] = or_zero(losses::tree_agreement(tree, {coded.leaves, coded.classes}));
  return metrics;
}

}  // namespace chiaro::apps
