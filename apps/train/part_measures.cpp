#include "apps/train/part_measures.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <limits>
#include <string>

#include "apps/train/coded_samples.h"
#include "chiaro/losses/deep_probe.h"
#include "chiaro/losses/probes.h"

namespace chiaro::apps {
namespace {

constexpr std::int64_t kLeastSamples = 40;
constexpr std::uint64_t kProbeSeed = 1;

/// What retrieval_at_one would give a random answer.
double chance_of(const at::Tensor& labels, const at::Tensor& allowed) {
  const auto right = same(labels).logical_and(allowed).sum(1).to(at::kDouble);
  const auto share = right / allowed.sum(1).clamp_min(1);
  return share.masked_select(right.gt(0)).mean().item<double>();
}

/// Codes to learn from and codes to be asked about.
struct Split {
  at::Tensor learn, ask;  // numbers of samples

  explicit Split(const at::Tensor& group)
      : learn((group % 2).eq(0).nonzero().squeeze(1)),
        ask((group % 2).eq(1).nonzero().squeeze(1)) {}
  bool suffices() const { return learn.size(0) >= kLeastSamples && ask.size(0) >= 1; }
};

double normalised_linear(const at::Tensor& codes, const at::Tensor& labels, const Split& split) {
  const auto answers =
      losses::linear_probe(codes.index_select(0, split.learn), labels.index_select(0, split.learn),
                           codes.index_select(0, split.ask));
  return losses::normalised_accuracy(answers, labels.index_select(0, split.ask), count_of(labels));
}

/// Codes of one scene are kept back together: the scenes asked about are others. NaN where the
/// codes are of too few scenes, or no numbers.
double normalised_deep(const at::Tensor& codes, const CodedSamples& known, const Split& split) {
  const auto scenes = known.scenes.index_select(0, split.learn);
  if (scenes.eq(scenes[0]).all().item<bool>() || !codes.isfinite().all().item<bool>())
    return std::numeric_limits<double>::quiet_NaN();
  const auto answers = losses::deep_probe(codes.index_select(0, split.learn),
                                          known.classes.index_select(0, split.learn), scenes,
                                          codes.index_select(0, split.ask), kProbeSeed);
  return losses::normalised_accuracy(answers, known.classes.index_select(0, split.ask),
                                     count_of(known.classes));
}

double correlation(const at::Tensor& a, const at::Tensor& b) {
  const auto x = a - a.mean();
  const auto y = b - b.mean();
  const double norm = std::sqrt((x.square().sum() * y.square().sum()).item<double>());
  return norm > 0 ? (x * y).sum().item<double>() / norm : 0;
}

void measure_severity(const std::string& name, const at::Tensor& codes, const CodedSamples& known,
                      train::Metrics& metrics) {
  const auto rows = known.measured.nonzero().squeeze(1);
  const Split split(known.scenes.index_select(0, rows));
  if (!split.suffices() || split.ask.size(0) < kLeastSamples) return;
  const auto part = codes.index_select(0, rows);
  const auto severity = known.severity.index_select(0, rows).to(at::kDouble).unsqueeze(1);
  const auto said = losses::ridge_regression(part.index_select(0, split.learn),
                                             severity.index_select(0, split.learn),
                                             part.index_select(0, split.ask));
  metrics[name + "_severity"] = correlation(said, severity.index_select(0, split.ask));
}

void measure_part(const std::string& name, const at::Tensor& codes, const CodedSamples& known,
                  train::Metrics& metrics) {
  const bool many_classes = count_of(known.classes) >= 2;
  const bool many_scenes = count_of(known.scenes) >= 2;
  if (many_classes && many_scenes) {
    metrics[name + "_scene_nearest"] =
        losses::retrieval_at_one(codes, known.scenes, same(known.classes).logical_not());
    metrics[name + "_kind_nearest"] =
        losses::retrieval_at_one(codes, known.classes, same(known.scenes).logical_not());
  }
  const Split renderings(at::arange(codes.size(0)));
  if (many_scenes && renderings.suffices())
    metrics[name + "_scene_linear"] = normalised_linear(codes, known.scenes, renderings);
  const Split pictures(known.scenes);
  if (many_classes && pictures.suffices()) {
    metrics[name + "_kind_linear"] = normalised_linear(codes, known.classes, pictures);
    metrics[name + "_kind_deep"] = normalised_deep(codes, known, pictures);
  }
  measure_severity(name, codes, known, metrics);
}

}  // namespace

train::Metrics measure_parts(networks::Encoder& encoder, const std::vector<data::Batch>& batches) {
  train::Metrics metrics;
  if (batches.empty()) return metrics;
  const at::NoGradGuard no_grad;
  const CodedSamples known = encode_samples(encoder, batches, Shown::Windows);
  std::int64_t start = 0;
  for (const auto& part : networks::parts_of(encoder.layout())) {
    measure_part(part.name, known.codes.narrow(1, start, part.width), known, metrics);
    start += part.width;
  }
  if (count_of(known.classes) >= 2 && count_of(known.scenes) >= 2) {
    metrics["scene_chance"] = chance_of(known.scenes, same(known.classes).logical_not());
    metrics["kind_chance"] = chance_of(known.classes, same(known.scenes).logical_not());
  }
  std::erase_if(metrics, [](const auto& one) { return std::isnan(one.second); });
  return metrics;
}

std::vector<std::string> part_measure_names(const networks::Encoder& encoder) {
  std::vector<std::string> names{"scene_chance", "kind_chance"};
  for (const auto& part : networks::parts_of(encoder.layout())) {
    for (const char* measure : {"scene_nearest", "kind_nearest", "scene_linear", "kind_linear",
                                "kind_deep", "severity"}) {
      names.push_back(part.name + "_" + measure);
    }
  }
  return names;
}

}  // namespace chiaro::apps
