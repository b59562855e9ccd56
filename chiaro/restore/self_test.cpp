#include "chiaro/restore/self_test.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "chiaro/base/error.h"
#include "chiaro/bundle/safetensors.h"

namespace chiaro::restore {
namespace {

engine::Tensor float_tensor(const bundle::TensorBytes& stored, const std::string& origin,
                            const std::string& name) {
  CHIARO_CHECK(stored.dtype == bundle::Dtype::F32 && !stored.shape.empty(), Bundle,
               "[restore.verify] '{}': self-test tensor '{}' is not float32", origin, name);
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

}  // namespace

SelfTestResult verify(const bundle::Bundle& bundle, int threads) {
  const auto stored = bundle.member(bundle::kSelftestMember);
  const auto file = bundle::Safetensors::parse({stored.begin(), stored.end()}, bundle.origin);
  const auto graph =
      bundle.manifest.kind == "encode" ? bundle::kEncodeMember : bundle::kRestoreMember;
  engine::Engine engine(bundle.member(graph),
                        {.precision = engine::Precision::F32, .threads = threads}, bundle.origin);
  SelfTestResult result;
  for (;; ++result.cases) {
    const std::string input_name = bundle::self_test_name(result.cases, "input");
    const std::string output_name = bundle::self_test_name(result.cases, "output");
    if (file.tensors().find(input_name) == file.tensors().end()) break;
    const auto input = float_tensor(file.tensor(input_name), bundle.origin, input_name);
    const auto expected = float_tensor(file.tensor(output_name), bundle.origin, output_name);
    CHIARO_CHECK(input.shape.size() == 4, Bundle,
                 "[restore.verify] '{}': '{}' has {} sides; expected 4", bundle.origin, input_name,
                 input.shape.size());
    const double difference = largest_difference(engine.run_once(input).front(), expected);
    result.largest_difference = std::max(result.largest_difference, difference);
    if (difference > kSelfTestTolerance && result.first_difference.empty())
      result.first_difference = output_name;
  }
  CHIARO_CHECK(result.cases > 0, Bundle, "[restore.verify] '{}' has a self-test without cases",
               bundle.origin);
  return result;
}

}  // namespace chiaro::restore
