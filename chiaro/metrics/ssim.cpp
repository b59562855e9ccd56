#include "chiaro/metrics/ssim.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace chiaro::metrics {
namespace {

// One side of the separable window; sums to 1.
std::vector<double> window_of(Window window) {
  if (window == Window::Uniform7) return std::vector<double>(7, 1.0 / 7.0);
  constexpr double kSigma = 1.5;
  std::vector<double> taps(11);
  double sum = 0;
  for (int i = 0; i < 11; ++i) {
    taps[static_cast<std::size_t>(i)] = std::exp(-(i - 5) * (i - 5) / (2 * kSigma * kSigma));
    sum += taps[static_cast<std::size_t>(i)];
  }
  for (double& tap : taps) tap /= sum;
  return taps;
}

struct Means {
  double similarity;  // eq. 13 of Wang et al. 2004
  double structure;   // contrast and structure terms alone, for MS-SSIM
};

// Works row by row: no buffer of picture size.
Means plane_means(const Plane& a, const Plane& b, const Protocol& protocol) {
  const std::vector<double> taps = window_of(protocol.window);
  const std::size_t size = taps.size();
  const auto width = static_cast<std::size_t>(a.width);
  const auto height = static_cast<std::size_t>(a.height);
  CHIARO_CHECK(width >= size && height >= size, Input,
               "[metrics.ssim] the scored part is smaller than the window; got {}x{} px; expected "
               "at least {}x{}",
               width, height, size, size);
  const double c1 = protocol.k1 * protocol.k1;
  const double c2 = protocol.k2 * protocol.k2;
  const auto cells = static_cast<double>(size * size);
  const double unbias = protocol.sample_covariance ? cells / (cells - 1) : 1.0;

  std::array<std::vector<double>, 5> columns;  // weighted sums down the window: a, b, aa, bb, ab
  for (auto& column : columns) column.resize(width);
  double similarity = 0;
  double structure = 0;
  const std::size_t out_height = height - size + 1;
  const std::size_t out_width = width - size + 1;
  for (std::size_t y = 0; y < out_height; ++y) {
    for (auto& column : columns) std::fill(column.begin(), column.end(), 0.0);
    for (std::size_t k = 0; k < size; ++k) {
      const double* row_a = a.samples.data() + (y + k) * width;
      const double* row_b = b.samples.data() + (y + k) * width;
      for (std::size_t x = 0; x < width; ++x) {
        const double weighted_a = taps[k] * row_a[x];
        const double weighted_b = taps[k] * row_b[x];
        columns[0][x] += weighted_a;
        columns[1][x] += weighted_b;
        columns[2][x] += weighted_a * row_a[x];
        columns[3][x] += weighted_b * row_b[x];
        columns[4][x] += weighted_a * row_b[x];
      }
    }
    double row_similarity = 0;
    double row_structure = 0;
    for (std::size_t x = 0; x < out_width; ++x) {
      std::array<double, 5> m{};
      for (std::size_t k = 0; k < size; ++k) {
        for (std::size_t j = 0; j < 5; ++j) m[j] += taps[k] * columns[j][x + k];
      }
      const double variance_a = unbias * (m[2] - m[0] * m[0]);
      const double variance_b = unbias * (m[3] - m[1] * m[1]);
      const double covariance = unbias * (m[4] - m[0] * m[1]);
      double cs = (2 * covariance + c2) / (variance_a + variance_b + c2);
      if (protocol.nonnegative) cs = std::max(cs, 0.0);
      row_similarity += cs * (2 * m[0] * m[1] + c1) / (m[0] * m[0] + m[1] * m[1] + c1);
      row_structure += cs;
    }
    similarity += row_similarity;
    structure += row_structure;
  }
  const auto count = static_cast<double>(out_height * out_width);
  return {similarity / count, structure / count};
}

// 2×2 means; an odd side gets one more row or column as the protocol says.
Plane halved(const Plane& source, Halving halving) {
  const bool zero_pad = halving == Halving::ZeroPad;
  Plane half{(source.height + 1) / 2, (source.width + 1) / 2, {}};
  const auto sample = [&](int y, int x) {
    if (zero_pad) {
      y -= source.height % 2;
      x -= source.width % 2;
      if (y < 0 || x < 0) return 0.0;
    }
    y = std::min(y, source.height - 1);
    x = std::min(x, source.width - 1);
    return source.samples[static_cast<std::size_t>(y) * static_cast<std::size_t>(source.width) +
                          static_cast<std::size_t>(x)];
  };
  for (int y = 0; y < half.height; ++y) {
    for (int x = 0; x < half.width; ++x) {
      half.samples.push_back((sample(2 * y, 2 * x) + sample(2 * y, 2 * x + 1) +
                              sample(2 * y + 1, 2 * x) + sample(2 * y + 1, 2 * x + 1)) /
                             4);
    }
  }
  return half;
}

}  // namespace

double ssim(const image::Image& restored, const image::Image& target, const Protocol& protocol) {
  return ssim(scored_planes(restored, target, protocol), protocol);
}

double ssim(const PlanePair& pair, const Protocol& protocol) {
  double sum = 0;
  for (std::size_t p = 0; p < pair.target.size(); ++p) {
    sum += plane_means(pair.restored[p], pair.target[p], protocol).similarity;
  }
  return sum / static_cast<double>(pair.target.size());
}

double ms_ssim(const image::Image& restored, const image::Image& target, const Protocol& protocol) {
  return ms_ssim(scored_planes(restored, target, protocol), protocol);
}

double ms_ssim(const PlanePair& pair, const Protocol& protocol) {
  constexpr std::array<double, 5> kExponents{0.0448, 0.2856, 0.3001, 0.2363, 0.1333};
  double sum = 0;
  for (std::size_t p = 0; p < pair.target.size(); ++p) {
    Plane a = pair.restored[p];
    Plane b = pair.target[p];
    double product = 1;
    for (std::size_t scale = 0; scale < kExponents.size(); ++scale) {
      const Means means = plane_means(a, b, protocol);
      const bool last = scale + 1 == kExponents.size();
      product *=
          std::pow(std::max(0.0, last ? means.similarity : means.structure), kExponents[scale]);
      if (!last) {
        a = halved(a, protocol.halving);
        b = halved(b, protocol.halving);
      }
    }
    sum += product;
  }
  return sum / static_cast<double>(pair.target.size());
}

}  // namespace chiaro::metrics
