#include "chiaro/restore/self_test.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"
#include "chiaro/bundle/safetensors.h"
#include "chiaro/restore/restorer.h"

namespace chiaro::restore {
namespace {

engine::Tensor float_tensor(const bundle::TensorBytes& stored, const std::string& origin,
                            const std::string& name) {
  CHIARO_CHECK(stored.dtype == bundle::Dtype::F32 && !stored.shape.empty(), Bundle,
               "[restore.verify] '{}': self-test tensor '{}' is not float32", origin, name);
  CHIARO_CHECK(std::ranges::all_of(stored.shape, [](std::int64_t side) { return side > 0; }),
               Bundle, "[restore.verify] '{}': self-test tensor '{}' is empty", origin, name);
  engine::Tensor tensor{stored.shape, std::vector<float>(stored.bytes.size() / sizeof(float))};
  std::memcpy(tensor.values.data(), stored.bytes.data(), stored.bytes.size());
  return tensor;
}

/// Largest absolute difference; infinite where shapes differ or a value is not finite on one side
/// only.
double largest_difference(const engine::Tensor& got, const engine::Tensor& expected) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  if (got.shape != expected.shape) return kInfinite;
  double largest = 0;
  for (std::size_t i = 0; i < got.values.size(); ++i) {
    const double difference = std::abs(double{got.values[i]} - double{expected.values[i]});
    largest = std::isnan(difference) ? kInfinite : std::max(largest, difference);
  }
  return largest;
}

class Replay {
 public:
  Replay(const bundle::Bundle& bundle, int threads)
      : bundle_(bundle),
        options_{.precision = engine::Precision::F32, .threads = threads},
        file_(parse(bundle)) {}

  /// Cases of the graph that maps a picture.
  void run_main() {
    const bool conditioned = bundle_.manifest.condition.has_value();
    const auto graph =
        bundle_.manifest.kind == "encode" ? bundle::kEncodeMember : bundle::kRestoreMember;
    engine::Engine engine(bundle_.member(graph), options_, bundle_.origin);
    int cases = 0;
    for (;; ++cases) {
      const auto name = [cases](const char* role) { return bundle::self_test_name(cases, role); };
      if (!has(name("input"))) break;
      const auto input = stored(name("input"));
      CHIARO_CHECK(input.shape.size() == 4, Bundle,
                   "[restore.verify] '{}': '{}' has {} sides; expected 4", bundle_.origin,
                   name("input"), input.shape.size());
      if (conditioned) {
        const auto outputs =
            run(engine, {{"input", input}, {"condition", stored(name("condition"))}});
        compare(outputs.at(engine.output_names().front()), name("output"));
      } else {
        compare(engine.run_once(input).front(), name("output"));
      }
    }
    CHIARO_CHECK(cases > 0, Bundle, "[restore.verify] '{}' has a self-test without cases",
                 bundle_.origin);
  }

  /// Cases of the controller.
  void run_condition() {
    engine::Engine engine(bundle_.member(bundle::kConditionMember), options_, bundle_.origin);
    int cases = 0;
    for (;; ++cases) {
      const auto name = [cases](const char* role) {
        return bundle::condition_test_name(cases, role);
      };
      if (!has(name("views"))) break;
      const auto outputs =
          run(engine, {{"views", stored(name("views"))}, {"whole", stored(name("whole"))}});
      CHIARO_CHECK(outputs.contains("condition"), Bundle,
                   "[restore.verify] '{}': {} has no output 'condition'", bundle_.origin,
                   bundle::kConditionMember);
      compare(outputs.at("condition"), name("condition"));
    }
    CHIARO_CHECK(cases > 0, Bundle, "[restore.verify] '{}' has a self-test without cases of {}",
                 bundle_.origin, bundle::kConditionMember);
  }

  const SelfTestResult& result() const { return result_; }

 private:
  static bundle::Safetensors parse(const bundle::Bundle& bundle) {
    const auto stored = bundle.member(bundle::kSelftestMember);
    return bundle::Safetensors::parse({stored.begin(), stored.end()}, bundle.origin);
  }

  bool has(const std::string& name) const {
    return file_.tensors().find(name) != file_.tensors().end();
  }

  engine::Tensor stored(const std::string& name) const {
    return float_tensor(file_.tensor(name), bundle_.origin, name);
  }

  engine::NamedTensors run(engine::Engine& engine, const engine::NamedTensors& inputs) const {
    for (const auto& name : engine.input_names()) {
      CHIARO_CHECK(inputs.contains(name) && engine.input_names().size() == inputs.size(), Bundle,
                   "[restore.verify] '{}': a graph with the inputs {} does not fit a conditioned "
                   "bundle",
                   bundle_.origin, join(engine.input_names()));
    }
    return engine.run_by_name(inputs);
  }

  void compare(const engine::Tensor& got, const std::string& name) {
    const double difference = largest_difference(got, stored(name));
    result_.largest_difference = std::max(result_.largest_difference, difference);
    if (difference > kSelfTestTolerance && result_.first_difference.empty())
      result_.first_difference = name;
    ++result_.cases;
  }

  const bundle::Bundle& bundle_;
  engine::EngineOptions options_;
  bundle::Safetensors file_;
  SelfTestResult result_;
};

}  // namespace

SelfTestResult verify(const bundle::Bundle& bundle, int threads) {
  Replay replay(bundle, threads);
  replay.run_main();
  if (bundle.manifest.condition) {
    replay.run_condition();
    // Sizes the graphs leave open or state otherwise than the manifest.
    const Restorer opened(bundle, {.precision = engine::Precision::F32, .threads = threads});
  }
  return replay.result();
}

}  // namespace chiaro::restore
