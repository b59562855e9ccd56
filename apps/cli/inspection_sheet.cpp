#include "apps/cli/inspection_sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "apps/cli/contact_sheet.h"
#include "apps/cli/inspection_text.h"

namespace chiaro::cli {
namespace {

constexpr int kMapCellWidth = 420;
constexpr int kMapCellHeight = 420;
constexpr int kMapColumns = 3;
constexpr int kMapGap = 10;
constexpr int kMapLabelHeight = 22;
constexpr float kOpacity = 0.7F;
constexpr double kEven = 0.2;  // between the lowest and the highest probability
// Distinct hues of like lightness, taken in turn.
constexpr std::array<std::array<float, 3>, 7> kColours = {{{0.90F, 0.15F, 0.20F},
                                                           {0.10F, 0.45F, 0.95F},
                                                           {0.95F, 0.60F, 0.00F},
                                                           {0.10F, 0.65F, 0.30F},
                                                           {0.65F, 0.25F, 0.85F},
                                                           {0.00F, 0.65F, 0.70F},
                                                           {0.85F, 0.30F, 0.60F}}};

struct Cell {
  image::Image picture;
  std::string label;
};

/// Where `position` lies between the centres of windows: the one before, the one after, the share
/// of the latter.
void between(const std::vector<int>& starts, int view_px, double position, std::size_t& low,
             std::size_t& high, double& share) {
  const auto centre = [&](std::size_t i) { return starts[i] + 0.5 * view_px; };
  high = 0;
  while (high < starts.size() && centre(high) < position) ++high;
  low = high == 0 ? 0 : high - 1;
  high = std::min(high, starts.size() - 1);
  share = low == high ? 0 : (position - centre(low)) / (centre(high) - centre(low));
}

/// The sides of the picture as it is shown, and where its pixels lie in the picture.
struct Shown {
  int height = 0;
  int width = 0;
  double scale_y = 1;
  double scale_x = 1;

  float value(const restore::InspectionMap& map, std::size_t type, int y, int x) const {
    return map_value(map, type, (y + 0.5) * scale_y, (x + 0.5) * scale_x);
  }
};

Shown shown_size(const image::Image& picture) {
  const double shrink = std::max({1.0, static_cast<double>(picture.width()) / kMapCellWidth,
                                  static_cast<double>(picture.height()) / kMapCellHeight});
  const auto side = [&](int length) {
    return std::max(1, static_cast<int>(std::lround(length / shrink)));
  };
  Shown shown{side(picture.height()), side(picture.width())};
  shown.scale_y = static_cast<double>(picture.height()) / shown.height;
  shown.scale_x = static_cast<double>(picture.width()) / shown.width;
  return shown;
}

/// Greyed, with the colour laid over where the type is probable.
image::Image overlay(const image::Image& base, const Shown& shown,
                     const restore::InspectionMap& map, std::size_t type, std::size_t colour) {
  image::Image result = base;
  for (int y = 0; y < base.height(); ++y) {
    for (int x = 0; x < base.width(); ++x) {
      const float grey =
          0.299F * base.at(0, y, x) + 0.587F * base.at(1, y, x) + 0.114F * base.at(2, y, x);
      const float share = kOpacity * std::clamp(shown.value(map, type, y, x), 0.0F, 1.0F);
      for (int channel = 0; channel < 3; ++channel) {
        const float ink = kColours[colour % kColours.size()][static_cast<std::size_t>(channel)];
        result.at(channel, y, x) = (1 - share) * grey + share * ink;
      }
    }
  }
  return result;
}

}  // namespace

float map_value(const restore::InspectionMap& map, std::size_t type, double y, double x) {
  std::size_t top = 0;
  std::size_t bottom = 0;
  std::size_t left = 0;
  std::size_t right = 0;
  double down = 0;
  double across = 0;
  between(map.tops, map.view_px, y, top, bottom, down);
  between(map.lefts, map.view_px, x, left, right, across);
  const auto value = [&](std::size_t row, std::size_t column) {
    return double{map.probabilities[type][row * map.lefts.size() + column]};
  };
  const double above = value(top, left) + across * (value(top, right) - value(top, left));
  const double below = value(bottom, left) + across * (value(bottom, right) - value(bottom, left));
  return static_cast<float>(above + down * (below - above));
}

std::vector<Spread> spreads(const image::Image& picture, const restore::InspectionMap& map,
                            const bundle::ConditionInfo& info) {
  const Shown shown = shown_size(picture);
  std::vector<Spread> found;
  for (std::size_t k = 0; k < info.types.size(); ++k) {
    if (info.types[k] == bundle::kCleanType) continue;
    const auto [lowest, highest] = std::ranges::minmax(map.probabilities[k]);
    if (highest < kNoticeable) continue;
    std::size_t likely = 0;
    for (int y = 0; y < shown.height; ++y)
      for (int x = 0; x < shown.width; ++x)
        likely += shown.value(map, k, y, x) >= static_cast<float>(kLikely) ? 1 : 0;
    const double pixels = double{1} * shown.height * shown.width;
    found.push_back({k, static_cast<double>(likely) / pixels, lowest, highest});
  }
  std::ranges::stable_sort(found, [](const Spread& a, const Spread& b) {
    return a.share != b.share ? a.share > b.share : a.highest > b.highest;
  });
  return found;
}

std::string spread_text(const Spread& spread, const bundle::ConditionInfo& info) {
  const std::string& name = info.types[spread.type];
  if (spread.highest < kLikely)
    return fmt::format("{} nowhere likely (at most {:.0f} % sure)", name, 100 * spread.highest);
  if (spread.share == 1) {
    const bool even = spread.highest - spread.lowest <= kEven;
    return fmt::format("{} {}all over the picture", name, even ? "evenly " : "");
  }
  return spread.share < 0.01 ? fmt::format("{} on less than 1 % of the picture", name)
                             : fmt::format("{} on {:.0f} % of the picture", name,
                                           std::min(99.0, 100 * spread.share));
}

image::Image inspection_sheet(const image::Image& picture, const restore::InspectionMap& map,
                              const bundle::ConditionInfo& info) {
  const Shown shown = shown_size(picture);
  image::Image base = image::reduce_area(image::to_rgb(picture), shown.height, shown.width);
  image::sanitize(base);
  std::vector<Cell> cells{{base, "the picture"}};
  for (const Spread& spread : spreads(picture, map, info))
    cells.push_back(
        {overlay(base, shown, map, spread.type, cells.size() - 1), spread_text(spread, info)});
  const bool damaged = cells.size() > 1;
  if (!damaged) cells[0].label = "the picture: no damage is noticeable anywhere";

  const int columns = std::min<int>(kMapColumns, static_cast<int>(cells.size()));
  const int rows = (static_cast<int>(cells.size()) + columns - 1) / columns;
  // A narrow picture must not cut its label.
  const int step_x = std::max(base.width(), kMapCellWidth * 3 / 4) + kMapGap;
  const int step_y = base.height() + kMapLabelHeight + kMapGap;
  const int legend_y = rows * step_y + kMapGap;
  image::Image sheet(3, legend_y + (damaged ? 2 * kMapLabelHeight : 0), columns * step_x + kMapGap,
                     1.0F);
  for (int i = 0; i < static_cast<int>(cells.size()); ++i) {
    const Cell& cell = cells[static_cast<std::size_t>(i)];
    const int y = kMapGap + i / columns * step_y;
    const int x = kMapGap + i % columns * step_x;
    paste(sheet, cell.picture, y, x);
    draw_label(sheet, y + base.height() + 2, x, cell.label, kMapLabelHeight - 6);
  }
  if (damaged) {
    draw_label(sheet, legend_y, kMapGap,
               "colour: the damage is there, the stronger the surer; grey: it is not",
               kMapLabelHeight - 6);
    draw_label(sheet, legend_y + kMapLabelHeight, kMapGap,
               fmt::format("looked at in squares of {} pixels, so borders are soft", map.view_px),
               kMapLabelHeight - 6);
  }
  return sheet;
}

}  // namespace chiaro::cli
