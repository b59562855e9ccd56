#include "chiaro/eval/evaluate.h"

#include <algorithm>

namespace chiaro::eval {
namespace {

const metrics::Learned& learned_of(const EvaluateOptions& options) {
  static const metrics::Learned none;
  return options.learned != nullptr ? *options.learned : none;
}

std::vector<double> scores_of(const std::vector<metrics::Measure>& measures,
                              const image::Image& picture, const image::Image& target,
                              const metrics::Learned& learned) {
  std::vector<double> values;
  for (const auto& measure : measures)
    values.push_back(metrics::score(measure, picture, target, learned));
  return values;
}

PictureScores score_entry(const PairSet& set, const PairEntry& entry,
                          const RestoreFunction& restore,
                          const std::vector<metrics::Measure>& measures,
                          const EvaluateOptions& options) {
  const metrics::Learned& learned = learned_of(options);
  const Pair pair = load_pair(set, entry);
  PictureScores scores;
  scores.name = entry.name;
  if (!restore) {
    scores.restored = scores_of(measures, pair.input, pair.target, learned);
    return scores;
  }
  const double started_s = monotonic_s();
  const Restored restored = restore(pair.input);
  scores.seconds = monotonic_s() - started_s;
  scores.type_found = restored.type;
  scores.restored = scores_of(measures, restored.picture, pair.target, learned);
  scores.input = scores_of(measures, pair.input, pair.target, learned);
  if (options.seen) options.seen(scores, pair, restored.picture);
  return scores;
}

/// Whether the next picture may do all the same.
bool is_of_one_picture(ErrorCode code) {
  return code == ErrorCode::Input || code == ErrorCode::CheckFailed || code == ErrorCode::Resource;
}

[[noreturn]] void fail_at(const PairSet& set, const std::string& picture, ErrorCode code,
                          const std::string& reason) {
  fail(code, "[eval.evaluate] set '{}', picture '{}': {}", set.name, picture, reason);
}

}  // namespace

void expect_targets(const PairSet& set, const std::vector<metrics::Measure>& measures) {
  for (const auto& measure : measures) {
    CHIARO_CHECK(has_targets(set) || !metrics::needs_reference(measure.metric), Usage,
                 "[eval.evaluate] {} compares with clean pictures; set '{}' has none; expected "
                 "them, or metrics that need none (niqe, brisque)",
                 metrics::to_text(measure.metric), set.name);
  }
}

Report evaluate(const PairSet& set, const RestoreFunction& restore,
                const std::vector<metrics::Measure>& measures, const EvaluateOptions& options,
                const ProgressCallback& progress) {
  CHIARO_CHECK(!set.entries.empty(), Input, "[eval.evaluate] set '{}' has no pictures", set.name);
  CHIARO_CHECK(!measures.empty(), Usage, "[eval.evaluate] nothing to measure");
  expect_targets(set, measures);
  const metrics::Learned& learned = learned_of(options);
  Report report;
  report.set = set.name;
  report.restorer = options.restorer;
  report.degradation = set.degradation;
  report.seed = set.seed;
  report.bootstrap = options.bootstrap;
  report.types = options.types;
  for (const auto& measure : measures) {
    report.labels.push_back(measure.label);
    report.fingerprints.push_back(metrics::fingerprint(measure, learned));
  }
  const SetHashes hashes = hash_set(set);
  report.targets_hash = hashes.targets;
  if (restore) report.inputs_hash = hashes.inputs;
  for (std::size_t i = 0; i < set.entries.size(); ++i) {
    const PairEntry& entry = set.entries[i];
    try {
      report.pictures.push_back(score_entry(set, entry, restore, measures, options));
      report.pictures.back().scene = hashes.scenes[i];
    } catch (const Error& error) {
      if (!is_of_one_picture(error.code())) fail_at(set, entry.name, error.code(), error.what());
      report.failed.push_back({entry.name, error.what(), error.code()});
    }
    const double done = static_cast<double>(i + 1) / static_cast<double>(set.entries.size());
    CHIARO_CHECK(!progress || progress(done), Interrupted, "[eval.evaluate] stopped by the user");
  }
  if (report.pictures.empty()) {
    const FailedPicture& first = report.failed.front();
    fail_at(set, first.name, first.code, first.reason);
  }
  return report;
}

std::string scored_text(const Report& report) {
  return report.failed.empty() ? std::to_string(report.pictures.size())
                               : fmt::format("{} of {}", report.pictures.size(), report.count());
}

Summary summarize(const Report& report, std::size_t measure) {
  const double better = lower_is_better(report, measure) ? -1 : 1;
  std::vector<double> values;
  std::vector<double> inputs;
  std::vector<double> gains;
  std::vector<std::string> scenes;
  Summary summary;
  for (const auto& picture : report.pictures) {
    values.push_back(picture.restored.at(measure));
    scenes.push_back(picture.scene);
    if (picture.input.empty()) continue;
    inputs.push_back(picture.input.at(measure));
    gains.push_back(score_difference(values.back(), inputs.back()));
    if (-better * gains.back() > summary.worst_loss) {
      summary.worst_loss = -better * gains.back();
      summary.worst_name = picture.name;
    }
  }
  summary.restored = mean(values);
  summary.restored_interval = bootstrap_mean(values, scenes, report.bootstrap);
  if (inputs.empty()) return summary;
  summary.input = mean(inputs);
  summary.gain = mean(gains);
  const auto worse =
      std::count_if(gains.begin(), gains.end(), [&](double gain) { return better * gain < 0; });
  summary.worse_share = static_cast<double>(worse) / static_cast<double>(gains.size());
  return summary;
}

bool lower_is_better(const Report& report, std::size_t measure) {
  return metrics::lower_is_better(report.fingerprints.at(measure));
}

double score_difference(double a, double b) {
  return a == b ? 0.0 : a - b;
}

}  // namespace chiaro::eval
