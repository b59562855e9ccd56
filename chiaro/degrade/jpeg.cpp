// A round trip through a real JPEG encoder and decoder: blocks, ringing and smeared colour exactly
// as in files.
#include <algorithm>

#include "chiaro/degrade/catalogue.h"
#include "chiaro/image/codec.h"

namespace chiaro::degrade {
namespace {

constexpr double kLowestQuality = 5;

struct JpegOptions {
  int quality = 30;
  bool halved_chroma = true;
  static Fields<JpegOptions> fields() {
    return {
        field("quality", &JpegOptions::quality, "quality setting of the IJG encoder",
              {.min = 1, .max = 100}),
        field("halved_chroma", &JpegOptions::halved_chroma,
              "colour at half resolution (4:2:0) instead of full (4:4:4)"),
    };
  }
};

void compress(Image& picture, const JpegOptions& options, Rng&, const Inputs&) {
  const Image coded = image::jpeg_round_trip(picture, options.quality, options.halved_chroma);
  std::ranges::copy(coded.pixels(), picture.pixels().begin());
}

}  // namespace

Entry jpeg() {
  return define<JpegOptions>({
      .name = "jpeg",
      .summary = "JPEG compression",
      .reference = "ITU-T T.81, 1992",
      .ranges = {{"quality", "8..60"}, {"halved_chroma", "true|true|true|false"}},
      .random = false,
      .apply = compress,
      .severity = [](const JpegOptions& o) { return (100.0 - o.quality) / (100 - kLowestQuality); },
      .at_severity =
          [](double s) {  // full colour at the highest qualities only, as encoders do
            return JpegOptions{.quality = static_cast<int>(100.5 - s * (100 - kLowestQuality)),
                               .halved_chroma = s >= 0.1};
          },
  });
}

}  // namespace chiaro::degrade
