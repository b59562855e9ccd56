#include "chiaro/eval/metric_files.h"

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/base/sha256.h"
#include "chiaro/base/text.h"

namespace chiaro::eval {
namespace {

namespace fs = std::filesystem;
using metrics::Metric;

constexpr const char* kNetworkText = "squeezenet_v1.1.ncnn.param";
constexpr const char* kNetworkWeights = "squeezenet_v1.1.ncnn.bin";
constexpr const char* kHeads = "squeeze.pth";
constexpr const char* kNiqe = "niqe_pris_params.npz";
constexpr const char* kBrisque = "allmodel";
constexpr const char* kBrisqueRange = "allrange";
constexpr std::size_t kMostBytes = std::size_t{1} << 28;

bool is_measured(std::span<const metrics::Measure> measures, Metric metric) {
  return std::ranges::any_of(measures, [&](const auto& one) { return one.metric == metric; });
}

std::vector<std::string> needed_files(std::span<const metrics::Measure> measures) {
  std::vector<std::string> names;
  if (is_measured(measures, Metric::LpipsSqueeze)) names = {kNetworkText, kNetworkWeights, kHeads};
  if (is_measured(measures, Metric::Niqe)) names.emplace_back(kNiqe);
  if (is_measured(measures, Metric::Brisque)) names.insert(names.end(), {kBrisque, kBrisqueRange});
  return names;
}

/// The first twelve digits of SHA-256 over the files' own.
std::string hash_of_files(const fs::path& folder, std::initializer_list<const char*> names) {
  std::string hashes;
  for (const char* name : names) hashes += sha256_hex(read_file(folder / name, kMostBytes));
  return sha256_hex(std::as_bytes(std::span(hashes))).substr(0, 12);
}

/// SqueezeNet 1.1 up to its last fire module.
class SqueezeNetwork : public metrics::FeatureNetwork {
 public:
  SqueezeNetwork(const fs::path& folder, engine::EngineOptions options)
      : engine_(opened(folder, std::move(options))) {}

  std::vector<metrics::FeatureMap> features(std::span<const float> picture, int height,
                                            int width) override {
    engine_.prepare(1, 3, height, width);
    std::ranges::copy(picture, engine_.input().begin());
    engine_.run();
    std::vector<metrics::FeatureMap> maps;
    for (std::size_t i = 0; i < kBlobs.size(); ++i) {
      const auto shape = engine_.output_shape(i);
      const auto values = engine_.output(i);
      maps.push_back({static_cast<int>(shape.at(1)),
                      static_cast<int>(shape.at(2)),
                      static_cast<int>(shape.at(3)),
                      {values.begin(), values.end()}});
    }
    return maps;
  }

 private:
  /// After the first convolution, fire modules 3 and 5, and 6 to 9; rectified.
  static inline const std::vector<std::string> kBlobs{"1", "14", "27", "34", "40", "46", "52"};

  static engine::Engine opened(const fs::path& folder, engine::EngineOptions options) {
    options.precision = engine::Precision::F32;
    options.many_shapes = true;
    const fs::path text = folder / kNetworkText;
    const fs::path weights = folder / kNetworkWeights;
    try {
      auto opened = engine::Engine::of_ncnn(read_text(text), read_file(weights, kMostBytes), kBlobs,
                                            std::move(options), text.string());
      const auto channels = opened.stated_input_shape(opened.input_names().at(0)).at(1);
      CHIARO_CHECK(channels == 3, Input,
                   "[eval.metric_files] '{}' is not SqueezeNet 1.1; its input has {} channels",
                   text.string(), channels);
      return opened;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::Bundle) throw;
      fail(ErrorCode::Input, "[eval.metric_files] '{}' and its weights are not SqueezeNet 1.1: {}",
           text.string(), error.what());
    }
  }

  engine::Engine engine_;
};

}  // namespace

metrics::Learned read_metric_files(std::span<const metrics::Measure> measures,
                                   const fs::path& folder, const engine::EngineOptions& options) {
  metrics::Learned learned;
  const auto needed = needed_files(measures);
  if (needed.empty()) return learned;
  CHIARO_CHECK(!folder.empty(), Usage,
               "[eval.metric_files] lpips_squeeze, niqe and brisque need files that are not part "
               "of chiaro; expected the folder of {} as --metric-files or CHIARO_METRIC_DIR "
               "(docs/metrics.md)",
               join(needed));
  std::vector<std::string> missing;
  std::ranges::copy_if(needed, std::back_inserter(missing), [&](const std::string& name) {
    return !fs::is_regular_file(folder / name);
  });
  CHIARO_CHECK(missing.empty(), Input,
               "[eval.metric_files] '{}' lacks {}, which the metrics need (docs/metrics.md)",
               folder.string(), join(missing));
  if (is_measured(measures, Metric::LpipsSqueeze)) {
    metrics::Lpips lpips{metrics::read_lpips_heads(folder / kHeads),
                         std::make_unique<SqueezeNetwork>(folder, options)};
    learned.lpips = {std::move(lpips),
                     hash_of_files(folder, {kNetworkText, kNetworkWeights, kHeads})};
  }
  if (is_measured(measures, Metric::Niqe))
    learned.niqe = {metrics::read_niqe_norm(folder / kNiqe), hash_of_files(folder, {kNiqe})};
  if (is_measured(measures, Metric::Brisque)) {
    learned.brisque = {metrics::read_brisque_regression(folder / kBrisque, folder / kBrisqueRange),
                       hash_of_files(folder, {kBrisque, kBrisqueRange})};
  }
  return learned;
}

}  // namespace chiaro::eval
