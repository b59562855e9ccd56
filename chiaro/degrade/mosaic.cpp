// What a camera's sensor sees: behind its colour filters each pixel has one colour, in squares
//
//   R G
//   G B      with R at row 0, column 0,
//
// and the two others are 0. noise(…)+mosaic is the raw picture of a noisy sensor: noise of pixels
// that are not kept is lost with them.
#include "chiaro/degrade/catalogue.h"

namespace chiaro::degrade {
namespace {

struct MosaicOptions {
  double leak = 0;
  static Fields<MosaicOptions> fields() {
    return {field("leak", &MosaicOptions::leak,
                  "share of the other two colours that passes each filter; 0: pure filters",
                  {.min = 0, .max = 1})};
  }
};

/// The channel that the filter over a pixel lets through.
int colour_of(int y, int x) {
  return y % 2 + x % 2;
}

void see_through_filters(Image& picture, const MosaicOptions& options, Rng&, const Inputs&) {
  if (picture.channels() != 3) return;  // a sensor without colours has no filters
  const auto leak = static_cast<float>(options.leak);
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < picture.height(); ++y)
      for (int x = 0; x < picture.width(); ++x)
        if (colour_of(y, x) != c) picture.at(c, y, x) *= leak;
}

}  // namespace

Entry mosaic() {
  return define<MosaicOptions>({
      .name = "mosaic",
      .summary = "one colour per pixel, as behind the filters of a camera's sensor (RGGB)",
      .reference = "B. Bayer, Color imaging array, US patent 3971065, 1976",
      .ranges = {{"leak", "0"}},
      .random = false,
      .apply = see_through_filters,
      .severity = [](const MosaicOptions& o) { return 1 - o.leak; },
      .at_severity = [](double s) { return MosaicOptions{.leak = 1 - s}; },
  });
}

}  // namespace chiaro::degrade
