#include "chiaro/degrade/filters.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/image/indices.h"

namespace chiaro::degrade {
namespace {

using image::as_size;

/// The plane with a mirrored border of `margin`.
std::vector<float> padded(std::span<const float> plane, int height, int width, int margin) {
  const int wide = width + 2 * margin;
  std::vector<float> result(as_size(height + 2 * margin) * as_size(wide));
  for (int y = 0; y < height + 2 * margin; ++y) {
    const float* row = plane.data() + as_size(image::mirrored(y - margin, height)) * as_size(width);
    float* out = result.data() + as_size(y) * as_size(wide);
    for (int x = 0; x < margin; ++x) {
      out[x] = row[image::mirrored(x - margin, width)];
      out[margin + width + x] = row[image::mirrored(width + x, width)];
    }
    std::copy_n(row, width, out + margin);
  }
  return result;
}

/// out = Σ weight_k · source_k over `count` shifted rows, four at a time to save loads.
void add_rows(float* out, int width, const std::vector<std::pair<const float*, float>>& rows) {
  std::fill_n(out, width, 0.0F);
  std::size_t k = 0;
  for (; k + 4 <= rows.size(); k += 4) {
    const auto [a, wa] = rows[k];
    const auto [b, wb] = rows[k + 1];
    const auto [c, wc] = rows[k + 2];
    const auto [d, wd] = rows[k + 3];
    for (int x = 0; x < width; ++x) out[x] += wa * a[x] + wb * b[x] + wc * c[x] + wd * d[x];
  }
  for (; k < rows.size(); ++k) {
    const auto [a, wa] = rows[k];
    for (int x = 0; x < width; ++x) out[x] += wa * a[x];
  }
}

std::vector<float> gaussian_taps(double sigma_px) {
  const int radius = static_cast<int>(std::ceil(3.0 * sigma_px));
  std::vector<float> taps(as_size(2 * radius + 1));
  double sum = 0;
  for (int i = -radius; i <= radius; ++i) sum += std::exp(-0.5 * i * i / (sigma_px * sigma_px));
  for (int i = -radius; i <= radius; ++i) {
    taps[as_size(i + radius)] =
        static_cast<float>(std::exp(-0.5 * i * i / (sigma_px * sigma_px)) / sum);
  }
  return taps;
}

}  // namespace

void normalize(Psf& psf) {
  const double sum = std::accumulate(psf.weights.begin(), psf.weights.end(), 0.0);
  CHIARO_CHECK(sum > 0, Internal, "[degrade.normalize] the point-spread function is empty");
  for (float& weight : psf.weights) weight = static_cast<float>(weight / sum);
}

Psf gaussian_psf(double sigma_px, double ratio, double angle_deg) {
  const double along = std::max(sigma_px, 1e-3);
  const double across = std::max(sigma_px * ratio, 1e-3);
  Psf psf;
  psf.radius = static_cast<int>(std::ceil(3.0 * std::max(along, across)));
  psf.weights.assign(as_size(psf.side()) * as_size(psf.side()), 0.0F);
  const double angle = angle_deg * std::numbers::pi / 180;
  for (int dy = -psf.radius; dy <= psf.radius; ++dy) {
    for (int dx = -psf.radius; dx <= psf.radius; ++dx) {
      const double u = (dx * std::cos(angle) - dy * std::sin(angle)) / along;
      const double v = (dx * std::sin(angle) + dy * std::cos(angle)) / across;
      const double square = u * u + v * v;
      if (square > 9) continue;  // beyond three deviations
      psf.weights[as_size(dy + psf.radius) * as_size(psf.side()) + as_size(dx + psf.radius)] =
          static_cast<float>(std::exp(-0.5 * square));
    }
  }
  normalize(psf);
  return psf;
}

Psf disc_psf(double radius_px) {
  constexpr int kFine = 5;  // samples per side of a pixel
  Psf psf;
  psf.radius = static_cast<int>(std::ceil(std::max(radius_px - 0.5, 0.0)));
  psf.weights.assign(as_size(psf.side()) * as_size(psf.side()), 0.0F);
  for (int dy = -psf.radius; dy <= psf.radius; ++dy) {
    for (int dx = -psf.radius; dx <= psf.radius; ++dx) {
      int inside = 0;
      for (int i = 0; i < kFine; ++i) {
        for (int j = 0; j < kFine; ++j) {
          const double y = dy + (i + 0.5) / kFine - 0.5;
          const double x = dx + (j + 0.5) / kFine - 0.5;
          if (y * y + x * x <= radius_px * radius_px) ++inside;
        }
      }
      psf.weights[as_size(dy + psf.radius) * as_size(psf.side()) + as_size(dx + psf.radius)] =
          static_cast<float>(inside);
    }
  }
  if (psf.radius == 0) psf.weights = {1.0F};
  normalize(psf);
  return psf;
}

Psf path_psf(std::span<const std::pair<double, double>> points) {
  double reach = 0;
  for (const auto& [y, x] : points) reach = std::max({reach, std::abs(y), std::abs(x)});
  Psf psf;
  psf.radius = static_cast<int>(std::floor(reach)) + 1;
  psf.weights.assign(as_size(psf.side()) * as_size(psf.side()), 0.0F);
  const auto splat = [&](double y, double x, double light) {
    const double row = std::floor(y);
    const double column = std::floor(x);
    const auto fy = y - row;
    const auto fx = x - column;
    const auto add = [&](double at_y, double at_x, double share) {
      const int index_y = static_cast<int>(at_y) + psf.radius;
      const int index_x = static_cast<int>(at_x) + psf.radius;
      if (index_y < 0 || index_x < 0 || index_y >= psf.side() || index_x >= psf.side()) return;
      psf.weights[as_size(index_y) * as_size(psf.side()) + as_size(index_x)] +=
          static_cast<float>(share * light);
    };
    add(row, column, (1 - fy) * (1 - fx));
    add(row, column + 1, (1 - fy) * fx);
    add(row + 1, column, fy * (1 - fx));
    add(row + 1, column + 1, fy * fx);
  };
  constexpr double kStepPx = 0.125;
  for (std::size_t i = 0; i + 1 < points.size(); ++i) {
    const auto [y0, x0] = points[i];
    const auto [y1, x1] = points[i + 1];
    const double length = std::hypot(y1 - y0, x1 - x0);
    const int count = std::max(1, static_cast<int>(std::ceil(length / kStepPx)));
    for (int k = 0; k < count; ++k) {
      const double t = (k + 0.5) / count;
      splat(y0 + t * (y1 - y0), x0 + t * (x1 - x0), length > 0 ? length / count : 1e-9);
    }
  }
  normalize(psf);
  return psf;
}

void convolve(image::Image& picture, const Psf& psf) {
  const int height = picture.height();
  const int width = picture.width();
  struct Tap {
    int y;
    int x;
    float weight;
  };
  std::vector<Tap> taps;
  const float ignored = 1e-5F * *std::ranges::max_element(psf.weights);
  for (int dy = -psf.radius; dy <= psf.radius; ++dy) {
    for (int dx = -psf.radius; dx <= psf.radius; ++dx) {
      const float weight =
          psf.weights[as_size(dy + psf.radius) * as_size(psf.side()) + as_size(dx + psf.radius)];
      if (weight > ignored) taps.push_back({dy, dx, weight});
    }
  }
  const int wide = width + 2 * psf.radius;
  std::vector<std::pair<const float*, float>> rows(taps.size());
  for (int c = 0; c < picture.channels(); ++c) {
    auto plane = picture.plane(c);
    const auto source = padded(plane, height, width, psf.radius);
    for (int y = 0; y < height; ++y) {
      for (std::size_t k = 0; k < taps.size(); ++k) {
        const auto row = as_size(y + psf.radius - taps[k].y) * as_size(wide);
        rows[k] = {source.data() + row + as_size(psf.radius - taps[k].x), taps[k].weight};
      }
      add_rows(plane.data() + as_size(y) * as_size(width), width, rows);
    }
  }
}

void blur_plane(std::span<float> plane, int height, int width, double sigma_px) {
  if (sigma_px <= 0) return;
  const auto taps = gaussian_taps(sigma_px);
  const int radius = static_cast<int>(taps.size() / 2);
  std::vector<float> across(plane.size());
  std::vector<float> line(as_size(width + 2 * radius));
  std::vector<std::pair<const float*, float>> rows(taps.size());
  for (int y = 0; y < height; ++y) {
    const float* row = plane.data() + as_size(y) * as_size(width);
    for (int x = 0; x < radius; ++x) {
      line[as_size(x)] = row[image::mirrored(x - radius, width)];
      line[as_size(radius + width + x)] = row[image::mirrored(width + x, width)];
    }
    std::copy_n(row, width, line.begin() + radius);
    for (std::size_t k = 0; k < taps.size(); ++k) rows[k] = {line.data() + k, taps[k]};
    add_rows(across.data() + as_size(y) * as_size(width), width, rows);
  }
  for (int y = 0; y < height; ++y) {
    for (std::size_t k = 0; k < taps.size(); ++k) {
      const int from = image::mirrored(y + static_cast<int>(k) - radius, height);
      rows[k] = {across.data() + as_size(from) * as_size(width), taps[k]};
    }
    add_rows(plane.data() + as_size(y) * as_size(width), width, rows);
  }
}

double blurred_deviation(double sigma_px) {
  if (sigma_px <= 0) return 1;
  double squares = 0;
  for (const float tap : gaussian_taps(sigma_px)) squares += double{tap} * tap;
  return squares;  // the root of its square: rows and columns
}

void gaussian_blur_in_place(image::Image& picture, double sigma_px) {
  for (int c = 0; c < picture.channels(); ++c) {
    blur_plane(picture.plane(c), picture.height(), picture.width(), sigma_px);
  }
}

void box_mean(std::span<float> plane, int height, int width, int radius) {
  if (radius <= 0) return;
  std::vector<float> across(plane.size());
  for (int y = 0; y < height; ++y) {
    const float* row = plane.data() + as_size(y) * as_size(width);
    float* out = across.data() + as_size(y) * as_size(width);
    double sum = 0;
    for (int x = 0; x < std::min(radius, width); ++x) sum += row[x];
    for (int x = 0; x < width; ++x) {
      if (x + radius < width) sum += row[x + radius];
      if (x - radius - 1 >= 0) sum -= row[x - radius - 1];
      const int count = std::min(x + radius, width - 1) - std::max(x - radius, 0) + 1;
      out[x] = static_cast<float>(sum / count);
    }
  }
  std::vector<double> sums(as_size(width));
  const auto row_of = [&](int y) { return across.data() + as_size(y) * as_size(width); };
  for (int y = 0; y < std::min(radius, height); ++y) {
    for (std::size_t x = 0; x < sums.size(); ++x) sums[x] += row_of(y)[x];
  }
  for (int y = 0; y < height; ++y) {
    if (y + radius < height) {
      for (std::size_t x = 0; x < sums.size(); ++x) sums[x] += row_of(y + radius)[x];
    }
    if (y - radius - 1 >= 0) {
      for (std::size_t x = 0; x < sums.size(); ++x) sums[x] -= row_of(y - radius - 1)[x];
    }
    const int count = std::min(y + radius, height - 1) - std::max(y - radius, 0) + 1;
    float* out = plane.data() + as_size(y) * as_size(width);
    for (std::size_t x = 0; x < sums.size(); ++x) out[x] = static_cast<float>(sums[x] / count);
  }
}

}  // namespace chiaro::degrade
