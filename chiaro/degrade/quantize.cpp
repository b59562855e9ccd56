// Few levels per channel: what storing in 8 bit (256 levels) or fewer does, down to posterised
// pictures.
#include <cmath>

#include "chiaro/degrade/catalogue.h"
#include "chiaro/degrade/storage.h"

namespace chiaro::degrade {
namespace {

constexpr double kFewest = 4;
constexpr double kMost = 256;

struct QuantizeOptions {
  int levels = 256;
  static Fields<QuantizeOptions> fields() {
    return {field("levels", &QuantizeOptions::levels, "values per channel, evenly spaced",
                  {.min = 2, .max = 65536})};
  }
};

}  // namespace

Entry quantize() {
  return define<QuantizeOptions>({
      .name = "quantize",
      .summary = "rounding to few levels; 256 is storing in 8 bit",
      .reference = "W. Bennett, Spectra of quantized signals, Bell System Technical Journal 1948",
      .ranges = {{"levels", "6..64~log"}},
      .random = false,
      .apply = [](Image& picture, const QuantizeOptions& o, Rng&,
                  const Inputs&) { keep_levels(picture.pixels(), o.levels); },
      .severity =
          [](const QuantizeOptions& o) {
            return std::log(kMost / o.levels) / std::log(kMost / kFewest);
          },
      .at_severity =
          [](double s) {
            return QuantizeOptions{
                .levels = static_cast<int>(std::lround(kMost * std::pow(kFewest / kMost, s)))};
          },
  });
}

}  // namespace chiaro::degrade
