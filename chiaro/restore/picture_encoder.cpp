#include "chiaro/restore/picture_encoder.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numeric>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"
#include "chiaro/restore/views.h"

namespace chiaro::restore {
namespace {

const bundle::CodeInfo& code_of(const bundle::Bundle& bundle) {
  CHIARO_CHECK(bundle.manifest.kind == "encode" && bundle.manifest.code.has_value(), Bundle,
               "[restore.encode] bundle '{}' describes no codes of pictures; got kind '{}'; "
               "expected an encoder's bundle, as `chiaro freeze` writes of a run of dcodr or hcsc",
               bundle.origin, bundle.manifest.kind);
  return *bundle.manifest.code;
}

/// Which of the parts has this name. Errors: Usage.
std::size_t find_part(const std::vector<bundle::CodePart>& parts, std::string_view name,
                      const std::string& origin) {
  std::vector<std::string> known;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].name == name) return i;
    known.push_back(parts[i].name);
  }
  fail(ErrorCode::Usage, "[restore.encode] the codes of '{}' have no part '{}'; expected {}",
       origin, name, join(known, " or "));
}

/// Values of a code before this part.
std::size_t values_before(const std::vector<bundle::CodePart>& parts, std::size_t part) {
  return static_cast<std::size_t>(std::accumulate(
      parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(part), std::int64_t{0},
      [](std::int64_t sum, const bundle::CodePart& one) { return sum + one.width; }));
}

image::Image limited_to_range(image::Image picture) {
  image::sanitize(picture);
  return picture;
}

/// Brings the values to length 1; false where that is impossible.
bool normalise(std::vector<float>& values) {
  double square = 0;
  for (const float value : values) square += double{value} * double{value};
  if (!std::isfinite(square) || square <= 0) return false;
  for (float& value : values) value = static_cast<float>(value / std::sqrt(square));
  return true;
}

}  // namespace

PictureEncoder::PictureEncoder(const bundle::Bundle& bundle, std::string_view part,
                               engine::EngineOptions options)
    : origin_(bundle.origin),
      info_(code_of(bundle)),
      part_(find_part(info_.parts, part, origin_)),
      start_(values_before(info_.parts, part_)),
      engine_(bundle.member(bundle::kEncodeMember), engine::in_f32(std::move(options)),
              bundle.origin) {
  const auto inputs = engine_.input_names();
  const auto outputs = engine_.output_names();
  CHIARO_CHECK(
      inputs == std::vector<std::string>{"input"} && outputs == std::vector<std::string>{"code"},
      Bundle, "[restore.encode] '{}': {} takes {} and gives {}; expected input and code", origin_,
      bundle::kEncodeMember, fmt::join(inputs, ", "), fmt::join(outputs, ", "));
}

std::vector<float> PictureEncoder::code(const image::Image& picture) {
  CHIARO_CHECK(!picture.empty(), Usage, "[restore.encode] the picture is empty");
  const image::Image limited = limited_to_range(picture);
  const bundle::CodePart& part = info_.parts[part_];
  const auto views = part.whole ? std::vector<image::Image>{square_view(limited, info_.whole_px)}
                                : native_views(limited, info_.view_px, info_.max_views);
  const int side = part.whole ? info_.whole_px : info_.view_px;
  engine_.prepare(static_cast<std::int64_t>(views.size()), 3, side, side);
  float* place = engine_.input().data();
  for (const image::Image& view : views) {
    const auto pixels = view.pixels();
    place = std::copy(pixels.begin(), pixels.end(), place);
  }
  engine_.run();
  const auto codes = engine_.output();
  const auto width = static_cast<std::size_t>(info_.width());
  CHIARO_CHECK(codes.size() == views.size() * width, Bundle,
               "[restore.encode] '{}': {} gives {} values for {} views; expected {} each", origin_,
               bundle::kEncodeMember, codes.size(), views.size(), width);
  std::vector<float> sum(static_cast<std::size_t>(part.width), 0.0F);
  bool sound = true;
  for (std::size_t v = 0; v < views.size(); ++v) {
    const auto own = codes.subspan(v * width + start_, sum.size());
    std::vector<float> one(own.begin(), own.end());
    sound = sound && normalise(one);
    std::transform(sum.begin(), sum.end(), one.begin(), sum.begin(), std::plus<>());
  }
  CHIARO_CHECK(sound && normalise(sum), Bundle,
               "[restore.encode] '{}': what {} gives is no code; expected finite values that are "
               "not all 0",
               origin_, bundle::kEncodeMember);
  return sum;
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  CHIARO_CHECK(a.size() == b.size(), Internal, "[restore.cosine] codes of {} and {} values",
               a.size(), b.size());
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace chiaro::restore
