#include "chiaro/restore/grain.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "chiaro/image/indices.h"

namespace chiaro::restore {
namespace {

constexpr std::array<float, 3> kLuma = {0.299F, 0.587F, 0.114F};
constexpr std::array<float, 5> kBinomial = {1 / 16.0F, 4 / 16.0F, 6 / 16.0F, 4 / 16.0F, 1 / 16.0F};
constexpr int kAroundPx = 15;
// The fourth power of the mean of |h|^¼ over Gaussian h of deviation σ is 0.607 σ. Such a mean is
// moved little by a few large values, so that a streak does not pass for strong grain.
constexpr float kRootMeanOfGaussian = 0.607F;
constexpr float kDeviations = 2.5F;

static_assert(kBinomial.size() / 2 + kAroundPx / 2 == kGrainReachPx);

using image::as_size;

/// Filtered along both axes, mirrored at the ends. Every value is the same sum in the same order,
/// wherever the plane begins.
std::vector<float> filtered(std::span<const float> plane, int height, int width,
                            std::span<const float> taps) {
  const int reach = static_cast<int>(taps.size() / 2);
  std::vector<float> along(plane.size());
  std::vector<float> padded(as_size(width) + taps.size() - 1);
  for (int y = 0; y < height; ++y) {
    const auto row = plane.subspan(as_size(y) * as_size(width), as_size(width));
    for (int x = -reach; x < width + reach; ++x)
      padded[as_size(x + reach)] = row[as_size(image::mirrored(x, width))];
    float* sum = along.data() + as_size(y) * as_size(width);
    for (std::size_t k = 0; k < taps.size(); ++k) {
      for (std::size_t x = 0; x < as_size(width); ++x) sum[x] += taps[k] * padded[x + k];
    }
  }
  std::vector<float> result(plane.size());
  for (int y = 0; y < height; ++y) {
    float* sum = result.data() + as_size(y) * as_size(width);
    for (int k = 0; k < static_cast<int>(taps.size()); ++k) {
      const int from = image::mirrored(y + k - reach, height);
      const float* row = along.data() + as_size(from) * as_size(width);
      for (std::size_t x = 0; x < as_size(width); ++x) sum[x] += taps[as_size(k)] * row[x];
    }
  }
  return result;
}

/// What was taken away, in brightness.
std::vector<float> lost_luma(std::span<const float> source, std::span<const float> restored,
                             int channels) {
  const std::size_t count = source.size() / as_size(channels);
  std::vector<float> lost(count);
  for (int channel = 0; channel < channels; ++channel) {
    const float share = channels == 1 ? 1.0F : kLuma[as_size(channel)];
    const float* before = source.data() + as_size(channel) * count;
    const float* after = restored.data() + as_size(channel) * count;
    for (std::size_t i = 0; i < count; ++i) lost[i] += share * (before[i] - after[i]);
  }
  for (float& value : lost) value = std::isfinite(value) ? value : 0.0F;
  return lost;
}

}  // namespace

void return_grain(std::span<const float> source, std::span<float> restored, int channels,
                  int height, int width, double share) {
  std::vector<float> grain = lost_luma(source, restored, channels);
  const std::vector<float> coarse = filtered(grain, height, width, kBinomial);
  for (std::size_t i = 0; i < grain.size(); ++i) grain[i] -= coarse[i];

  std::vector<float> roots(grain.size());
  std::ranges::transform(grain, roots.begin(),
                         [](float h) { return std::sqrt(std::sqrt(std::abs(h))); });
  std::array<float, kAroundPx> box;
  box.fill(1.0F / kAroundPx);
  const std::vector<float> usual = filtered(roots, height, width, box);
  for (std::size_t i = 0; i < grain.size(); ++i) {
    const float squared = usual[i] * usual[i];
    const float limit = kDeviations / kRootMeanOfGaussian * squared * squared;
    grain[i] = static_cast<float>(share) * std::clamp(grain[i], -limit, limit);
  }
  for (int channel = 0; channel < channels; ++channel) {
    float* values = restored.data() + as_size(channel) * grain.size();
    for (std::size_t i = 0; i < grain.size(); ++i) values[i] += grain[i];
  }
}

}  // namespace chiaro::restore
