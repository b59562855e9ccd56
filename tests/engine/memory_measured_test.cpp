// The forecast of memory against what running takes, of the bundles that ship.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <string>
#include <tuple>
#include <vector>

#include "chiaro/base/process_memory.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/engine/engine.h"
#include "chiaro/engine/processor.h"
#include "tests/support/sanitized.h"

namespace chiaro::engine::memory_measured_test {
namespace {

/// Bytes at one size of the picture.
struct Need {
  double forecast = 0;
  double most = 0;  ///< times the forecast
  double peak = 0;  ///< of the process
};

Need need_at(const bundle::Bundle& bundle, Precision precision, std::int64_t side) {
  Engine engine(bundle.members.at(std::string(bundle::kRestoreMember)),
                {.precision = precision, .threads = 2, .in_place = true, .spare_memory = true},
                bundle.origin);
  std::vector<NamedShape> shapes;
  for (const std::string& name : engine.input_names()) {
    auto shape = engine.stated_input_shape(name);
    shape = shape.size() == 4 ? std::vector<std::int64_t>{1, 3, side, side}
                              : std::vector<std::int64_t>{1, shape.back()};
    shapes.push_back({name, shape});
  }
  const auto forecast = static_cast<double>(engine.work_bytes(shapes));
  engine.prepare(shapes);
  for (const std::string& name : engine.input_names())
    std::ranges::fill(engine.input(name), 0.5F);  // memory is taken when it is written to
  engine.run();
  return {forecast, engine.most_of_work_bytes(), static_cast<double>(peak_resident_bytes())};
}

/// In a process of its own, whose peak nothing else has raised.
Need need_alone(const bundle::Bundle& bundle, Precision precision, std::int64_t side) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return {};
  const pid_t child = ::fork();
  if (child < 0) return {};
  if (child == 0) {
    return_large_blocks_at_once();  // as whoever promises a ceiling
    try {
      const Need need = need_at(bundle, precision, side);
      ::_exit(::write(ends[1], &need, sizeof need) == sizeof need ? 0 : 1);
    } catch (...) {
      ::_exit(1);
    }
  }
  ::close(ends[1]);
  Need need;
  EXPECT_EQ(::read(ends[0], &need, sizeof need), static_cast<ssize_t>(sizeof need));
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return need;
}

class MemoryMeasuredSlow : public testing::TestWithParam<std::tuple<std::string, Precision>> {};

// What a larger picture takes more, so that libraries and weights do not count.
TEST_P(MemoryMeasuredSlow, IsWithinAFewPercentOfTheForecast) {
  CHIARO_SKIP_WHERE_SANITIZED();
  const auto threads = std::filesystem::directory_iterator("/proc/self/task");
  if (std::distance(begin(threads), end(threads)) > 1)
    GTEST_SKIP() << "what earlier tests have left running cannot be forked; run it by itself";
  const auto& [name, precision] = GetParam();
  if (precision == Precision::Bf16 && !has_bf16()) GTEST_SKIP() << "no bfloat16 here";
  const auto bundle =
      bundle::read_bundle(std::string(CHIARO_SOURCE_DIR) + "/models/" + name + ".chiaro");
  const Need small = need_alone(bundle, precision, 768);
  const Need large = need_alone(bundle, precision, 1536);
  const double ratio = (large.peak - small.peak) / (large.forecast - small.forecast);
  RecordProperty("ratio", fmt::format("{:.3f}", ratio));  // --gtest_output=xml keeps it
  EXPECT_GT(ratio, kLeastOfWorkBytes);
  EXPECT_LT(ratio, large.most);
}

INSTANTIATE_TEST_SUITE_P(Bundles, MemoryMeasuredSlow,
                         testing::Combine(testing::Values("default", "plain"),
                                          testing::Values(Precision::F32, Precision::Bf16)));

}  // namespace
}  // namespace chiaro::engine::memory_measured_test
