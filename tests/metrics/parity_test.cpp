// Scores against the numbers of tools/make_parity_baselines.py: scikit-image itself, and plain
// statements of the MATLAB, BasicSR, IQA-PyTorch and AirNet conventions.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "chiaro/base/files.h"
#include "chiaro/metrics/score.h"

namespace chiaro::metrics {
namespace {

using image::Image;

// Sums in another order, and float32 pictures: a hundred times below the fourth decimal.
constexpr double kTolerance = 1e-6;
// Rounded full-range luma has exact ties (0.299 R + … = n + 0.5), which fall either way by the last
// bit of the sum: four decimals hold, not six.
constexpr double kTieTolerance = 5e-5;

std::uint32_t mixed(std::uint32_t n) {
  for (const std::uint32_t multiplier : {0x7FEB352DU, 0x846CA68BU})
    n = (n ^ (n >> 16)) * multiplier;
  return n ^ (n >> 16);
}

struct Pictures {
  Image restored;
  Image target;
};

Pictures integer_pictures(int height, int width, int channels, bool bytes) {
  Pictures result{Image(channels, height, width), Image(channels, height, width)};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c) {
        const int waves =
            (3 * x + 2 * y + 29 * c) % 128 + std::abs((5 * y + x * (c + 1)) % 160 - 80);
        const int boxes = 60 * ((x / 9 + y / 7 + c) % 2);
        const int target = std::clamp(waves + boxes - 20, 0, 255);
        const auto index = static_cast<std::uint32_t>((y * width + x) * channels + c);
        const int restored = target * 15 / 16 + 6 + static_cast<int>(mixed(index) % 61) - 30;
        result.target.at(c, y, x) = static_cast<float>(target / 255.0);
        result.restored.at(c, y, x) =
            static_cast<float>(bytes ? std::clamp(restored, 0, 255) / 255.0 : restored / 253.0);
      }
    }
  }
  return result;
}

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
}  // namespace chiaro::metrics
