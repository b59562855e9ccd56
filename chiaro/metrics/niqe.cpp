#include "chiaro/metrics/niqe.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "chiaro/metrics/npz.h"
#include "chiaro/metrics/scene_statistics.h"

namespace chiaro::metrics {
namespace {

constexpr int kBlock = 96;
constexpr std::size_t kN = kSceneFeatures;

using SquareMatrix = std::vector<double>;  // (36,36), row-major

/// 18 numbers: the fit of the samples, then of the products of neighbours.
void put_block_features(const Plane& block, double* features) {
  const AsymmetricFit own = fit_asymmetric(block.samples);
  *features++ = own.shape;
  *features++ = (own.left_scale() + own.right_scale()) / 2;
  for (const auto& [dy, dx] : kNeighbours) {
    const AsymmetricFit pair = fit_asymmetric(neighbour_products(block, dy, dx).samples);
    *features++ = pair.shape;
    *features++ = pair.mean();
    *features++ = pair.left_scale();
    *features++ = pair.right_scale();
  }
}

/// Of every block, row by row.
std::vector<SceneFeatures> features_of_blocks(Plane plane) {
  const int rows = plane.height / kBlock;
  const int columns = plane.width / kBlock;
  plane = plane_part(plane, 0, 0, rows * kBlock, columns * kBlock);
  std::vector<SceneFeatures> blocks(static_cast<std::size_t>(rows) *
                                    static_cast<std::size_t>(columns));
  for (int scale = 1; scale <= 2; ++scale) {
    if (scale == 2) plane = cubic_half(plane);
    const Plane contrast = normalised_contrast(plane, Beyond::NearestPixel);
    const int side = kBlock / scale;
    auto block = blocks.begin();
    for (int row = 0; row < rows; ++row) {
      for (int column = 0; column < columns; ++column, ++block) {
        put_block_features(plane_part(contrast, row * side, column * side, side, side),
                           block->data() + (scale == 2 ? kN / 2 : 0));
      }
    }
  }
  return blocks;
}

/// One rotation of Jacobi's method: makes a(p,q) vanish; `vectors` turns along.
void rotate(SquareMatrix& a, SquareMatrix& vectors, std::size_t p, std::size_t q) {
  const double off = a[p * kN + q];
  if (off == 0) return;
  const double theta = (a[q * kN + q] - a[p * kN + p]) / (2 * off);
  const double t = (theta >= 0 ? 1 : -1) / (std::abs(theta) + std::hypot(theta, 1.0));
  const double c = 1 / std::hypot(t, 1.0);
  const double s = t * c;
  const auto turn = [c, s](double& x, double& y) {
    const double old = x;
    x = c * x - s * y;
    y = s * old + c * y;
  };
  for (std::size_t k = 0; k < kN; ++k) turn(a[k * kN + p], a[k * kN + q]);
  for (std::size_t k = 0; k < kN; ++k) turn(a[p * kN + k], a[q * kN + k]);
  for (std::size_t k = 0; k < kN; ++k) turn(vectors[k * kN + p], vectors[k * kN + q]);
}

/// xᵀ A⁺ x of a symmetric A: singular values below 1e-15 of the largest count as none, as in
/// NumPy's pinv.
double pseudo_inverse_form(SquareMatrix a, const std::vector<double>& x) {
  SquareMatrix vectors(kN * kN);
  for (std::size_t i = 0; i < kN; ++i) vectors[i * kN + i] = 1;
  constexpr int kSweeps = 64;  // about ten are needed
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    double off = 0;
    double all = 0;
    for (std::size_t i = 0; i < kN * kN; ++i) {
      all += a[i] * a[i];
      if (i % (kN + 1) != 0) off += a[i] * a[i];
    }
    if (off <= 1e-36 * all) break;
    for (std::size_t p = 0; p < kN; ++p) {
      for (std::size_t q = p + 1; q < kN; ++q) rotate(a, vectors, p, q);
    }
  }
  double largest = 0;
  for (std::size_t i = 0; i < kN; ++i) largest = std::max(largest, std::abs(a[i * kN + i]));
  double sum = 0;
  for (std::size_t i = 0; i < kN; ++i) {
    const double value = a[i * kN + i];
    if (std::abs(value) <= 1e-15 * largest) continue;
    double along = 0;
    for (std::size_t k = 0; k < kN; ++k) along += vectors[k * kN + i] * x[k];
    sum += along * along / value;
  }
  return sum;
}

bool is_sound(const SceneFeatures& features) {
  return std::ranges::none_of(features, [](double value) { return std::isnan(value); });
}

/// Feature by feature, over the blocks in which it is a number.
std::vector<double> mean_features(const std::vector<SceneFeatures>& blocks) {
  std::vector<double> means(kN);
  for (std::size_t f = 0; f < kN; ++f) {
    double count = 0;
    for (const auto& block : blocks) {
      if (std::isnan(block[f])) continue;
      means[f] += block[f];
      ++count;
    }
    means[f] /= count;
  }
  return means;
}

SquareMatrix sample_covariance(const std::vector<SceneFeatures>& blocks) {
  const std::vector<double> means = mean_features(blocks);
  SquareMatrix covariance(kN * kN);
  for (const auto& block : blocks) {
    for (std::size_t i = 0; i < kN; ++i) {
      for (std::size_t j = 0; j < kN; ++j)
        covariance[i * kN + j] += (block[i] - means[i]) * (block[j] - means[j]);
    }
  }
  for (double& value : covariance) value /= static_cast<double>(blocks.size() - 1);
  return covariance;
}

std::vector<double> array_named(const std::map<std::string, NpzArray, std::less<>>& arrays,
                                const std::string& name, std::size_t count,
                                const std::filesystem::path& path) {
  const auto found = arrays.find(name);
  CHIARO_CHECK(found != arrays.end() && found->second.values.size() == count &&
                   std::ranges::all_of(found->second.values,
                                       [](double value) { return std::isfinite(value); }),
               Input, "[metrics.read_niqe_norm] '{}' is no NIQE model; expected {} numbers as '{}'",
               path.string(), count, name);
  return found->second.values;
}

}  // namespace

NiqeNorm read_niqe_norm(const std::filesystem::path& path) {
  constexpr double kRounding = 1e-6;  // of the largest value
  const auto arrays = read_npz(path);
  NiqeNorm norm{array_named(arrays, "mu_pris_param", kN, path),
                array_named(arrays, "cov_pris_param", kN * kN, path)};
  const auto& c = norm.covariance;
  const double largest =
      std::abs(*std::ranges::max_element(c, {}, [](double value) { return std::abs(value); }));
  for (std::size_t i = 0; i < kN; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const bool possible = i == j ? c[i * kN + i] >= 0
                                   : std::abs(c[i * kN + j] - c[j * kN + i]) <= kRounding * largest;
      CHIARO_CHECK(possible, Input,
                   "[metrics.read_niqe_norm] '{}' is no NIQE model; 'cov_pris_param' is no "
                   "covariance",
                   path.string());
    }
  }
  return norm;
}

double niqe(const image::Image& picture, const Protocol& protocol, const NiqeNorm& norm) {
  Protocol luma = protocol;
  luma.channel = Channel::Y;
  Plane plane = std::move(scored_planes(picture, luma).front());
  for (double& value : plane.samples) value *= 255;
  const int height = plane.height;
  const int width = plane.width;
  const std::vector<SceneFeatures> blocks = features_of_blocks(std::move(plane));
  std::vector<SceneFeatures> sound;
  std::ranges::copy_if(blocks, std::back_inserter(sound), is_sound);
  CHIARO_CHECK(
      sound.size() >= 2, Input,
      "[metrics.niqe] the picture has too little to look at; got {}x{} px with {} blocks of "
      "{}x{} px that are not flat; expected at least 2",
      width, height, sound.size(), kBlock, kBlock);
  std::vector<double> difference = mean_features(blocks);
  SquareMatrix covariance = sample_covariance(sound);
  for (std::size_t i = 0; i < kN; ++i) difference[i] -= norm.mean[i];
  for (std::size_t i = 0; i < kN * kN; ++i)
    covariance[i] = (covariance[i] + norm.covariance[i]) / 2;
  return std::sqrt(std::max(0.0, pseudo_inverse_form(std::move(covariance), difference)));
}

}  // namespace chiaro::metrics
