// What `chiaro try` found, as a page and in words.
#pragma once

#include <string>
#include <vector>

#include "apps/cli/report_page.h"
#include "apps/cli/telling_crops.h"
#include "chiaro/image/image.h"
#include "chiaro/metrics/score.h"

namespace chiaro::cli {

/// What a bundle made of the parts.
struct Trial {
  std::string bundle;
  std::vector<image::Image> results = {};
  double seconds = 0;
  std::vector<double> ratings = {};  ///< of the parts; empty where nobody can tell
  std::vector<double> changes = {};  ///< of the parts, in levels of 255 (change_levels)
};

/// What the parts are rated by.
enum class By {
  Psnr,        ///< against the clean picture: higher is better
  DamageSeen,  ///< what is left of the damage that a controller saw: lower is better
  Nothing
};

/// What was compared.
struct Comparison {
  std::string photo;  ///< the name of its file
  std::vector<TellingCrop> parts;
  std::vector<image::Image> before = {};
  std::vector<image::Image> clean = {};     ///< empty: not known
  std::vector<double> before_ratings = {};  ///< as Trial's
  std::vector<Trial> trials = {};           ///< the best first
  By by = By::Nothing;
  std::string judge = {};  ///< the bundle with the controller that was asked
};

/// The measure of By::Psnr.
metrics::Measure psnr_of_parts();

/// Of at least one rating: the mean; of PSNR that of all parts together, which are of one size, so
/// from the mean of their squared errors. Infinite only where every part is identical.
double overall(const std::vector<double>& ratings, By by);

/// "damage seen 0.123", "31.42 dB".
std::string rating_text(double rating, By by);

/// "Part 1: most detail (320 × 320 pixels at 0, 160)".
std::string part_text(const TellingCrop& part, std::size_t number);

/// The ranking, then the parts one below the other with a frame for every bundle. Errors: Resource.
ReportPage try_page(const Comparison& all);

}  // namespace chiaro::cli
