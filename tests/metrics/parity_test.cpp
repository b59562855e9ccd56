// Scores against the numbers of tools/make_parity_baselines.py: scikit-image itself, and plain
// statements of the MATLAB, BasicSR, IQA-PyTorch and AirNet conventions.
#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "chiaro/base/files.h"
#include "chiaro/metrics/score.h"
#include "tests/metrics/scene_pictures.h"

namespace chiaro::metrics::parity_test {
namespace {

// Sums in another order, and float32 pictures: a hundred times below the fourth decimal.
constexpr double kTolerance = 1e-6;
// Rounded full-range luma has exact ties (0.299 R + … = n + 0.5), which fall either way by the last
// bit of the sum: four decimals hold, not six.
constexpr double kTieTolerance = 5e-5;

Pictures pictures_named(const std::string& name) {
  if (name == "u8_rgb") return integer_pictures(53, 67, 3, true);
  if (name == "u8_grey") return integer_pictures(41, 38, 1, true);
  if (name == "u8_large") return integer_pictures(181, 178, 3, true);
  if (name == "float_rgb") return integer_pictures(53, 67, 3, false);
  fail(ErrorCode::Internal, "[tests] no picture is called '{}'", name);
}

OptionTable overrides_of(const nlohmann::json& json) {
  OptionTable table;
  for (const auto& [key, value] : json.items()) {
    if (value.is_boolean()) {
      table[key] = value.get<bool>();
    } else if (value.is_number_integer()) {
      table[key] = value.get<std::int64_t>();
    } else {
      table[key] = value.get<std::string>();
    }
  }
  return table;
}

TEST(Parity, EveryStoredNumberIsMet) {
  const auto stored = nlohmann::json::parse(
      read_text(std::string(CHIARO_SOURCE_DIR) + "/tests/parity/metrics.json"));
  const auto& cases = stored.at("cases");
  ASSERT_GT(cases.size(), 60U);
  for (const auto& entry : cases) {
    SCOPED_TRACE(entry.dump());
    const Pictures pictures = pictures_named(entry.at("picture"));
    const std::vector<std::string> metric{entry.at("metric").get<std::string>()};
    const std::vector<std::string> preset{entry.at("preset").get<std::string>()};
    const auto measure = measures(metric, preset, overrides_of(entry.at("overrides"))).front();
    EXPECT_NEAR(score(measure, pictures.restored, pictures.target), entry.at("value").get<double>(),
                measure.protocol.rounding == Rounding::Luma ? kTieTolerance : kTolerance);
  }
}

}  // namespace
}  // namespace chiaro::metrics::parity_test
