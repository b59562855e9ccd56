#include "chiaro/degrade/random_fields.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace chiaro::degrade {
namespace {

constexpr std::size_t kBlocks = 128;
constexpr double kTail = 3.442619855899;            // where the base block ends
constexpr double kBlockArea = 9.91256303526217e-3;  // of each block

struct Ziggurat {
  std::array<double, kBlocks + 1> edge{};
  std::array<double, kBlocks> ratio{};
};

const Ziggurat& ziggurat() {
  static const Ziggurat table = [] {
    Ziggurat t;
    double height = std::exp(-0.5 * kTail * kTail);
    t.edge[0] = kBlockArea / height;
    t.edge[1] = kTail;
    t.edge[kBlocks] = 0;
    for (std::size_t i = 2; i < kBlocks; ++i) {
      t.edge[i] = std::sqrt(-2.0 * std::log(kBlockArea / t.edge[i - 1] + height));
      height = std::exp(-0.5 * t.edge[i] * t.edge[i]);
    }
    for (std::size_t i = 0; i < kBlocks; ++i) t.ratio[i] = t.edge[i + 1] / t.edge[i];
    return t;
  }();
  return table;
}

double draw_normal(const Ziggurat& table, Rng& rng) {
  while (true) {
    const std::uint64_t bits = rng.next();
    const std::size_t block = bits & (kBlocks - 1);
    const double u = static_cast<double>(bits >> 11) * 0x1.0p-52 - 1.0;
    if (std::abs(u) < table.ratio[block]) return u * table.edge[block];
    if (block == 0) {  // the tail beyond the base block
      double x = 0;
      double y = 0;
      do {
        x = std::log(1.0 - rng.uniform()) / kTail;
        y = std::log(1.0 - rng.uniform());
      } while (-2.0 * y < x * x);
      return u < 0 ? x - kTail : kTail - x;
    }
    const double x = u * table.edge[block];
    const double low = std::exp(-0.5 * (table.edge[block] * table.edge[block] - x * x));
    const double high = std::exp(-0.5 * (table.edge[block + 1] * table.edge[block + 1] - x * x));
    if (high + rng.uniform() * (low - high) < 1.0) return x;
  }
}

/// Adds a lattice of random heights, interpolated with 3t²−2t³.
void add_lattice(std::span<float> field, int height, int width, double cell_px, float weight,
                 Rng& rng) {
  const double shift_y = rng.uniform();
  const double shift_x = rng.uniform();
  const auto rows = static_cast<std::size_t>(height / cell_px + shift_y) + 2;
  const auto columns = static_cast<std::size_t>(width / cell_px + shift_x) + 2;
  std::vector<float> heights(rows * columns);
  for (float& h : heights) h = weight * static_cast<float>(rng.uniform());
  const auto place = [cell_px](int i, double shift) {
    const double at = i / cell_px + shift;
    const double whole = std::floor(at);
    const double t = at - whole;
    return std::pair(static_cast<std::size_t>(whole), static_cast<float>(t * t * (3 - 2 * t)));
  };
  std::vector<std::pair<std::size_t, float>> across;
  for (int x = 0; x < width; ++x) across.push_back(place(x, shift_x));
  std::vector<float> line(columns);
  for (int y = 0; y < height; ++y) {
    const auto [row, t] = place(y, shift_y);
    const float* upper = heights.data() + row * columns;
    const float* lower = upper + columns;
    for (std::size_t c = 0; c < columns; ++c) line[c] = upper[c] + t * (lower[c] - upper[c]);
    float* out = field.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width);
    for (const auto& [column, s] : across) {
      *out++ += line[column] + s * (line[column + 1] - line[column]);
    }
  }
}

}  // namespace

float fast_normal(Rng& rng) {
  return static_cast<float>(draw_normal(ziggurat(), rng));
}

void fill_normal(std::span<float> values, Rng& rng) {
  const Ziggurat& table = ziggurat();
  for (float& value : values) value = static_cast<float>(draw_normal(table, rng));
}

std::vector<float> smooth_field(int height, int width, double cells, int octaves, Rng& rng) {
  std::vector<float> field(static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
  double cell_px = std::max(height, width) / cells;
  float weight = 1.0F;
  for (int octave = 0; octave < octaves; ++octave) {
    add_lattice(field, height, width, std::max(cell_px, 1.0), weight, rng);
    cell_px *= 0.5;
    weight *= 0.5F;
  }
  const auto [low, high] = std::ranges::minmax(field);
  const float span = high - low;
  for (float& value : field) value = span > 0 ? (value - low) / span : 0.5F;
  return field;
}

}  // namespace chiaro::degrade
