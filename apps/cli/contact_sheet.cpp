#include "apps/cli/contact_sheet.h"

#include <vips/vips.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/degrade/degrade.h"

namespace chiaro::cli {
namespace {

constexpr double kSeverities[] = {0.3, 0.6, 1.0};
constexpr int kColumns = 2 * static_cast<int>(std::size(kSeverities));
constexpr int kCellWidth = 300;
constexpr int kCellHeight = 200;
constexpr int kGap = 8;
constexpr int kLabelHeight = 20;

struct Unref {
  void operator()(VipsImage* image) const { g_object_unref(image); }
};
struct Free {
  void operator()(void* memory) const { g_free(memory); }
};

/// The middle of the picture in the shape of a cell, reduced where it is larger.
image::Image cell_of(const image::Image& picture) {
  const double shrink =
      std::max(1.0, std::min(static_cast<double>(picture.width()) / kCellWidth,
                             static_cast<double>(picture.height()) / kCellHeight));
  const int reduced_width = std::max(1, static_cast<int>(std::lround(picture.width() / shrink)));
  const int reduced_height = std::max(1, static_cast<int>(std::lround(picture.height() / shrink)));
  const image::Image reduced =
      image::reduce_area(image::to_rgb(picture), reduced_height, reduced_width);
  const int width = std::min(kCellWidth, reduced_width);
  const int height = std::min(kCellHeight, reduced_height);
  return image::crop(reduced, (reduced_height - height) / 2, (reduced_width - width) / 2, height,
                     width);
}

}  // namespace

void paste(image::Image& sheet, const image::Image& part, int y, int x) {
  for (int c = 0; c < 3; ++c) {
    for (int row = 0; row < part.height(); ++row) {
      std::copy_n(&part.plane(c)[static_cast<std::size_t>(row * part.width())], part.width(),
                  &sheet.at(c, y + row, x));
    }
  }
}

void draw_label(image::Image& picture, int y, int x, const std::string& text, int height_px) {
  VipsImage* raw = nullptr;
  // At 72 dots per inch a point is a pixel; a line takes about 1.3 times the size of its font.
  const std::string font = fmt::format("sans {}", std::max(6, height_px * 3 / 4));
  CHIARO_CHECK(vips_text(&raw, text.c_str(), "font", font.c_str(), "dpi", 72, nullptr) == 0,
               Internal, "[cli.draw_label] libvips cannot draw text: {}", vips_error_buffer());
  const std::unique_ptr<VipsImage, Unref> mask(raw);
  std::size_t size = 0;
  const std::unique_ptr<void, Free> memory(vips_image_write_to_memory(mask.get(), &size));
  CHIARO_CHECK(memory != nullptr, Internal, "[cli.draw_label] libvips cannot draw text: {}",
               vips_error_buffer());
  const auto* ink = static_cast<const unsigned char*>(memory.get());
  const int mask_width = vips_image_get_width(mask.get());
  for (int row = 0; row < vips_image_get_height(mask.get()); ++row) {
    for (int column = 0; column < mask_width; ++column) {
      if (y + row >= picture.height() || x + column >= picture.width()) continue;
      const auto share = static_cast<float>(ink[row * mask_width + column]) / 255.0F;
      for (int c = 0; c < picture.channels(); ++c) {
        picture.at(c, y + row, x + column) *= 1.0F - 0.85F * share;
      }
    }
  }
}

image::Image contact_sheet(const image::Image& clean, std::uint64_t seed) {
  const image::Image cell = cell_of(clean);
  const auto& names = degrade::names();
  const int rows = (static_cast<int>(names.size()) + 1) / 2;
  const int step_x = cell.width() + kGap;
  const int step_y = cell.height() + kLabelHeight + kGap;
  image::Image sheet(3, rows * step_y + kGap, kColumns * step_x + 3 * kGap, 1.0F);
  for (int i = 0; i < static_cast<int>(names.size()); ++i) {
    const std::string& name = names[static_cast<std::size_t>(i)];
    const int block = i / rows;
    for (int k = 0; k < static_cast<int>(std::size(kSeverities)); ++k) {
      const int x = kGap + (block * kColumns / 2 + k) * step_x + block * 2 * kGap;
      const int y = kGap + (i % rows) * step_y;
      Rng rng(seed, {stable_hash(name)});
      const auto step = degrade::at_severity(name, kSeverities[k]);
      paste(sheet, degrade::apply(cell, {step}, rng), y, x);
      draw_label(sheet, y + cell.height() + 2, x,
                 name == "clean" ? name : fmt::format("{}  {:.1f}", name, kSeverities[k]),
                 kLabelHeight - 4);
    }
  }
  return sheet;
}

}  // namespace chiaro::cli
