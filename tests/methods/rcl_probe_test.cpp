// What the pretext of rcl rewards: its loss for residuals that are made, not learnt. Prints a
// table.
//
//   CHIARO_PROBE_DIR=DIR test_methods --gtest_filter='RclProbeSlow.*'
//
// DIR holds clean pictures; by default $CHIARO_DATA_DIR/photos_bsds. Two random crops of 64 px of
// each picture, five repetitions, distances by sorting, all other crops as candidates.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>

#include "chiaro/base/rng.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/pairing.h"
#include "chiaro/losses/contrast_health.h"
#include "chiaro/losses/earth_movers.h"
#include "chiaro/losses/info_nce.h"

namespace chiaro::methods::rcl_probe_test {
namespace {

namespace fs = std::filesystem;

constexpr int kCrop = 64;
constexpr int kRepetitions = 5;
constexpr std::array<double, 4> kTemperatures = {0.003, 0.01, 0.03, 0.1};

fs::path probe_folder() {
  if (const char* given = std::getenv("CHIARO_PROBE_DIR"); given != nullptr) return given;
  if (const char* data = std::getenv("CHIARO_DATA_DIR"); data != nullptr)
    return fs::path(data) / "photos_bsds";
  return {};
}

/// (3,H,W) in [0,1] of all pictures with room for crops.
std::vector<at::Tensor> pictures_of(const fs::path& folder) {
  std::vector<at::Tensor> pictures;
  for (const auto& file : image::list_pictures(folder, true)) {
    const image::Image picture = image::to_rgb(image::read(file));
    if (std::min(picture.height(), picture.width()) < kCrop) continue;
    at::Tensor values = at::empty({3, picture.height(), picture.width()}, at::kFloat);
    std::ranges::copy(picture.pixels(), values.mutable_data_ptr<float>());
    pictures.push_back(values);
  }
  return pictures;
}

at::Tensor normal_like(const at::Tensor& picture, Rng& rng) {
  at::Tensor values = at::empty_like(picture);
  auto* value = values.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i) value[i] = static_cast<float>(rng.normal());
  return values;
}

at::Tensor mean_filtered(const at::Tensor& picture) {
  return at::avg_pool2d(at::reflection_pad2d(picture, {1, 1, 1, 1}), 3, 1);
}

/// (clean, noise of the whole picture) → what a residual function would give for it.
using Residual = std::function<at::Tensor(const at::Tensor& clean, const at::Tensor& noise)>;
/// Noise of a picture, drawn once, before crops are cut.
using Noise = std::function<at::Tensor(const at::Tensor& clean, Rng& rng)>;

struct Row {
  double near = 0;
  double far = 0;
  double nearest = 0;
  std::array<double, kTemperatures.size()> loss{};
};

Row measured(const std::vector<at::Tensor>& pictures, const Noise& noise, const Residual& residual,
             bool without_mean) {
  Row row;
  const auto count = static_cast<std::int64_t>(pictures.size());
  const auto samples = at::arange(count, at::kLong).repeat({2});
  const auto candidates = at::eye(2 * count, at::kBool).logical_not();
  const auto positives = samples.unsqueeze(0).eq(samples.unsqueeze(1)).logical_and(candidates);
  for (int repetition = 0; repetition < kRepetitions; ++repetition) {
    std::vector<at::Tensor> first;
    std::vector<at::Tensor> second;
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      Rng rng(1, {static_cast<std::uint64_t>(repetition), i});
      const at::Tensor whole = residual(pictures[i], noise(pictures[i], rng));
      const auto crop = [&] {
        const std::int64_t y = rng.integer(0, whole.size(1) - kCrop);
        const std::int64_t x = rng.integer(0, whole.size(2) - kCrop);
        const auto values = whole.narrow(1, y, kCrop).narrow(2, x, kCrop).flatten(1);
        return without_mean ? values - values.mean(1, true) : values;
      };
      first.push_back(crop());
      second.push_back(crop());
    }
    const auto distances = losses::earth_movers(at::cat({at::stack(first), at::stack(second)}));
    const auto others = candidates.logical_and(positives.logical_not());
    row.near += distances.masked_select(positives).mean().item<double>() / kRepetitions;
    row.far += distances.masked_select(others).mean().item<double>() / kRepetitions;
    for (std::size_t t = 0; t < kTemperatures.size(); ++t) {
      const auto logits = distances / -kTemperatures[t];
      row.loss[t] += losses::info_nce(logits, positives, candidates).item<double>() / kRepetitions;
    }
    row.nearest +=
        losses::contrast_health(-distances, positives, candidates, samples, samples).nearest /
        kRepetitions;
  }
  return row;
}

TEST(RclProbeSlow, APretextWithVariedNoiseRewardsDenoisingAndOneWithFixedNoiseNothing) {
  const fs::path folder = probe_folder();
  if (folder.empty()) GTEST_SKIP() << "neither CHIARO_PROBE_DIR nor CHIARO_DATA_DIR is set";
  const auto pictures = pictures_of(folder);
  ASSERT_GE(pictures.size(), 8U) << folder;

  const Noise none = [](const at::Tensor& clean, Rng&) { return at::zeros_like(clean); };
  const Noise fixed = [](const at::Tensor& clean, Rng& rng) {
    return normal_like(clean, rng) * (25.0 / 255);
  };
  const Noise varied = [](const at::Tensor& clean, Rng& rng) {
    const double sigma = rng.uniform(5.0, 50.0) / 255;
    return normal_like(clean, rng) * sigma;
  };
  const auto heteroscedastic = [](const at::Tensor& clean, double a, double b, Rng& rng) {
    return normal_like(clean, rng) * (a * clean + b).sqrt();
  };
  const Noise dependent = [&](const at::Tensor& clean, Rng& rng) {
    return heteroscedastic(clean, 0.01, 0.0004, rng);
  };
  const Noise dependent_varied = [&](const at::Tensor& clean, Rng& rng) {
    const double a = rng.uniform(0.0, 0.02);
    const double b = rng.uniform(0.0, 0.002);
    return heteroscedastic(clean, a, b, rng);
  };
  const Residual everything = [](const at::Tensor& clean, const at::Tensor& n) {
    return clean + n;
  };
  const Residual noise_alone = [](const at::Tensor&, const at::Tensor& n) { return n; };
  const Residual high_pass = [](const at::Tensor& clean, const at::Tensor& n) {
    return clean + n - mean_filtered(clean + n);
  };

  struct Case {
    const char* name;
    const Noise& noise;
    const Residual& residual;
    bool without_mean = false;
  };
  const std::vector<Case> cases = {{"the noisy crop, sigma 25", fixed, everything},
                                   {"the same without its mean", fixed, everything, true},
                                   {"true noise, sigma 25", fixed, noise_alone},
                                   {"true noise, sigma 5..50", varied, noise_alone},
                                   {"x - box3(x), sigma 25", fixed, high_pass},
                                   {"x - box3(x), sigma 5..50", varied, high_pass},
                                   {"x - box3(x), no noise", none, high_pass},
                                   {"true noise, variance .01 y + .0004", dependent, noise_alone},
                                   {"true noise, variance a y + b", dependent_varied, noise_alone}};
  const double chance = std::log(2.0 * static_cast<double>(pictures.size()) - 1);
  fmt::print("{} pictures of {}; loss at equal logits {:.3f}\n", pictures.size(), folder.string(),
             chance);
  fmt::print("{:36} {:>6} {:>6} {:>7}  loss at tau .003, .01, .03, .1\n", "residual", "near", "far",
             "nearest");
  std::map<std::string, Row> rows;
  for (const auto& one : cases) {
    const Row row = measured(pictures, one.noise, one.residual, one.without_mean);
    fmt::print("{:36} {:6.4f} {:6.4f} {:6.1f}%  {:6.2f} {:6.2f} {:6.2f} {:6.2f}\n", one.name,
               row.near, row.far, 100 * row.nearest, row.loss[0], row.loss[1], row.loss[2],
               row.loss[3]);
    rows[one.name] = row;
  }
  const Row& empty = rows.at("true noise, sigma 25");
  EXPECT_NEAR(empty.loss[1], chance, 0.05);  // knowing the noise does not help
  const Row& best = rows.at("true noise, sigma 5..50");
  EXPECT_NEAR(best.far, std::sqrt(2 / M_PI) * 15.0 / 255, 0.004);  // mean |Δσ| of U[5,50] is 15
  EXPECT_LT(best.loss[1], chance - 1);
  EXPECT_LT(best.loss[1], rows.at("x - box3(x), sigma 5..50").loss[1]);  // the purer, the better
  EXPECT_GT(rows.at("the noisy crop, sigma 25").loss[1], chance);
}

}  // namespace
}  // namespace chiaro::methods::rcl_probe_test
