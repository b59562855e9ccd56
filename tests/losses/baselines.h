// Made by tools/make_loss_baselines.py with numpy 2.4.6, scikit-image 0.26.0; do not edit.
#pragma once

#include <cstdint>

namespace chiaro::losses {

struct Baseline {
  const char* name;
  std::int64_t height;
  std::int64_t width;
  double value;
};

// clang-format off
constexpr Baseline kBaselines[] = {
    {"charbonnier", 16, 20, 0.29549780348859017},
    {"edge", 16, 20, 0.5176326977956035},
    {"frequency", 16, 20, 0.09767302800220977},
    {"l1", 16, 20, 0.29548881110657327},
    {"mse", 16, 20, 0.1289177624117366},
    {"psnr", 16, 20, -8.897057647670449},
    {"ssim", 16, 20, 0.9881224069762272},
    {"charbonnier", 13, 15, 0.29402202971201175},
    {"edge", 13, 15, 0.5131609036506044},
    {"frequency", 13, 15, 0.11724924314960421},
    {"l1", 13, 15, 0.2940121908845225},
    {"mse", 13, 15, 0.12812796555815217},
    {"psnr", 13, 15, -8.925664574193856},
    {"ssim", 13, 15, 0.9865090345808567},
};
// clang-format on

}  // namespace chiaro::losses
