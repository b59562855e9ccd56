#include "chiaro/metrics/lpips.h"

#include <array>
#include <cmath>

#include "chiaro/metrics/torch_file.h"

namespace chiaro::metrics {
namespace {

constexpr std::array<std::size_t, 7> kHeadChannels{64, 128, 256, 384, 384, 512, 512};
constexpr int kSmallestSide = 32;

/// Values in [-1,1], then shifted and scaled channel by channel, as the authors' code has it.
std::vector<float> normalised_for_lpips(const std::vector<Plane>& planes) {
  constexpr std::array kShift{-0.030, -0.088, -0.188};
  constexpr std::array kScale{0.458, 0.448, 0.450};
  std::vector<float> values;
  for (std::size_t c = 0; c < kShift.size(); ++c) {
    for (const double sample : planes[planes.size() == 1 ? 0 : c].samples)
      values.push_back(static_cast<float>((2 * sample - 1 - kShift[c]) / kScale[c]));
  }
  return values;
}

/// Mean over the places of Σ w (â − b̂)², where the channels of a place are scaled to length 1.
double head_distance(const FeatureMap& a, const FeatureMap& b, const std::vector<double>& weights) {
  constexpr double kEpsilon = 1e-10;
  const std::size_t places = static_cast<std::size_t>(a.height) * static_cast<std::size_t>(a.width);
  std::vector<double> length_a(places);
  std::vector<double> length_b(places);
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    length_a[i % places] += double{a.values[i]} * a.values[i];
    length_b[i % places] += double{b.values[i]} * b.values[i];
  }
  for (std::size_t place = 0; place < places; ++place) {
    length_a[place] = std::sqrt(length_a[place]) + kEpsilon;
    length_b[place] = std::sqrt(length_b[place]) + kEpsilon;
  }
  double sum = 0;
  for (std::size_t c = 0; c < weights.size(); ++c) {
    double of_channel = 0;
    for (std::size_t place = 0; place < places; ++place) {
      const std::size_t i = c * places + place;
      const double difference = a.values[i] / length_a[place] - b.values[i] / length_b[place];
      of_channel += difference * difference;
    }
    sum += weights[c] * of_channel;
  }
  return sum / static_cast<double>(places);
}

}  // namespace

LpipsHeads read_lpips_heads(const std::filesystem::path& path) {
  const auto tensors = read_torch_file(path);
  LpipsHeads heads;
  for (std::size_t i = 0; i < kHeadChannels.size(); ++i) {
    const std::string name = fmt::format("lin{}.model.1.weight", i);
    const auto found = tensors.find(name);
    CHIARO_CHECK(found != tensors.end() && found->second.values.size() == kHeadChannels[i], Input,
                 "[metrics.read_lpips_heads] '{}' is not squeeze.pth of LPIPS 0.1; expected '{}' "
                 "with {} weights",
                 path.string(), name, kHeadChannels[i]);
    heads.emplace_back(found->second.values.begin(), found->second.values.end());
  }
  return heads;
}

double lpips(const image::Image& restored, const image::Image& target, const Protocol& protocol,
             const LpipsHeads& heads, FeatureNetwork& network) {
  Protocol colours = protocol;
  colours.channel = Channel::Rgb;
  const PlanePair pair = scored_planes(restored, target, colours);
  const int height = pair.target.front().height;
  const int width = pair.target.front().width;
  CHIARO_CHECK(height >= kSmallestSide && width >= kSmallestSide, Input,
               "[metrics.lpips] the scored part is too small; got {}x{} px; expected sides of at "
               "least {} px",
               width, height, kSmallestSide);
  const auto a = network.features(normalised_for_lpips(pair.restored), height, width);
  const auto b = network.features(normalised_for_lpips(pair.target), height, width);
  CHIARO_CHECK(a.size() == heads.size() && b.size() == heads.size(), Internal,
               "[metrics.lpips] the network gives {} maps; expected {}", a.size(), heads.size());
  double distance = 0;
  for (std::size_t i = 0; i < heads.size(); ++i) {
    const bool fits = static_cast<std::size_t>(a[i].channels) == heads[i].size() &&
                      a[i].values.size() == b[i].values.size();
    CHIARO_CHECK(fits, Internal, "[metrics.lpips] map {} has {} channels; expected {}", i,
                 a[i].channels, heads[i].size());
    distance += head_distance(a[i], b[i], heads[i]);
  }
  return distance;
}

}  // namespace chiaro::metrics
