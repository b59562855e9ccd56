// What a score depends on beside the two pictures, and its fingerprint.
#pragma once

#include <string>
#include <vector>

#include "chiaro/base/options.h"

namespace chiaro::metrics {

enum class Metric { Psnr, Ssim, MsSsim, LpipsSqueeze, Niqe, Brisque };

/// Whether the metric compares with a clean picture; NIQE and BRISQUE look at one picture alone.
bool needs_reference(Metric metric);

/// Whether the metric needs files that users supply (chiaro/metrics/learned.h).
bool is_learned(Metric metric);

/// Of the metric that a fingerprint begins with; false where that is none known here.
bool lower_is_better(std::string_view fingerprint);

/// Which samples are compared. Grey pictures are compared as they are under both. LPIPS always sees
/// colours, NIQE and BRISQUE always the luma.
enum class Channel {
  Rgb,  ///< the three channels; PSNR over all samples, SSIM averaged over channels
  Y     ///< luma only
};

/// BT.601 luma of R, G, B in [0,1].
enum class Luma {
  Studio,  ///< (16 + 65.481 R + 128.553 G + 24.966 B) / 255, as MATLAB's rgb2ycbcr
  Full     ///< 0.299 R + 0.587 G + 0.114 B
};

/// Where values are rounded to the 8-bit grid (which also limits them to [0,1]).
enum class Rounding {
  None,
  U8,     ///< both pictures
  Luma,   ///< the luma only
  U8Luma  ///< both pictures, then the luma again, as MATLAB does with uint8 pictures
};

enum class Window {
  Gaussian11,  ///< 11×11, deviation 1.5 px (Wang et al. 2004)
  Uniform7     ///< 7×7 mean
};

/// How MS-SSIM halves a picture of odd size: the 2×2 means need one more row or column.
enum class Halving {
  Mirror,  ///< repeat the last one (the authors' code)
  ZeroPad  ///< a row or column of zeros before the first one
};

/// Everything that changes a score. Values outside the ranges of fields() are refused by every
/// metric.
struct Protocol {
  Channel channel = Channel::Rgb;
  Luma luma = Luma::Studio;
  Rounding rounding = Rounding::None;
  bool clip = true;       ///< limit both pictures to [0,1] first
  int border_px = 0;      ///< left out on each side
  int crop_multiple = 1;  ///< centre part whose sides are multiples of this; before the border
  Window window = Window::Gaussian11;
  bool sample_covariance = false;  ///< N/(N−1) on variances and covariance
  bool nonnegative = false;        ///< negative structure terms of SSIM count as 0, pixel by pixel
  double k1 = 0.01;
  double k2 = 0.03;
  double psnr_epsilon =
      0;  ///< added to the mean square error; above 0 identical pictures score finite
  Halving halving = Halving::Mirror;

  static Fields<Protocol> fields();
};

/// "psnr", "ssim", "ms_ssim", "lpips_squeeze", "niqe", "brisque".
std::string to_text(Metric metric);

/// Errors: Usage, naming the nearest known metric.
Metric metric_from_text(std::string_view name);

/// Those of to_text, in the order of Metric.
std::vector<std::string> metric_names();

/// The presets' names: "chiaro" (defaults above), "matlab" (Y of uint8 pictures, rounded),
/// "basicsr" (uint8 pictures, RGB), "skimage" (RGB, 7×7 uniform window with sample covariance),
/// "pyiqa" (PSNR on RGB with epsilon 1e-8; SSIM on rounded full-range luma with non-negative
/// structure), "airnet" (RGB, centre crop to multiples of 16). NIQE takes the rounded studio-range
/// luma of BasicSR, under "matlab" and "pyiqa" the full-range luma of the original code; BRISQUE
/// takes the latter throughout.
const std::vector<std::string>& preset_names();

/// The convention of a preset for one metric. Errors: Usage, naming the nearest known preset.
Protocol preset(std::string_view name, Metric metric);

/// Errors: Usage if a number is out of range.
void check(const Protocol& protocol);

/// The parts of the protocol that matter for this metric, as stable text: "psnr/1 channel=rgb
/// rounding=none …". Equal text means comparable scores.
std::string fingerprint(Metric metric, const Protocol& protocol);

}  // namespace chiaro::metrics
