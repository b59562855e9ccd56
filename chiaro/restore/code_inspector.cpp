#include "chiaro/restore/code_inspector.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/restore/views.h"

namespace chiaro::restore {
CodeInspector::CodeInspector(const bundle::Bundle& bundle, engine::EngineOptions options)
    : origin_(bundle.origin),
      tree_(bundle),
      engine_(bundle.member(bundle::kEncodeMember), engine::in_f32(std::move(options)),
              bundle.origin) {
  const auto inputs = engine_.input_names();
  const auto outputs = engine_.output_names();
  CHIARO_CHECK(
      inputs == std::vector<std::string>{"input"} && outputs == std::vector<std::string>{"code"},
      Bundle, "[restore.open] '{}': {} takes {} and gives {}; expected input and code", origin_,
      bundle::kEncodeMember, fmt::join(inputs, ", "), fmt::join(outputs, ", "));
}

std::vector<float> CodeInspector::code(const image::Image& picture) {
  CHIARO_CHECK(!picture.empty(), Usage, "[restore.inspect] the picture is empty");
  const auto views = native_views(picture, tree_.view_px(), tree_.max_views());
  engine_.prepare(static_cast<std::int64_t>(views.size()), 3, tree_.view_px(), tree_.view_px());
  float* place = engine_.input().data();
  for (const image::Image& view : views) {
    const auto pixels = view.pixels();
    // A comparison with NaN is false, so NaN becomes 0.
    place = std::transform(pixels.begin(), pixels.end(), place,
                           [](float value) { return value > 0 ? std::min(value, 1.0F) : 0.0F; });
  }
  engine_.run();
  const auto codes = engine_.output();
  const auto dimension = static_cast<std::size_t>(tree_.dimension());
  CHIARO_CHECK(codes.size() == views.size() * dimension, Bundle,
               "[restore.inspect] '{}': {} gives {} values for {} views; expected {} each", origin_,
               bundle::kEncodeMember, codes.size(), views.size(), dimension);
  std::vector<float> sum(dimension, 0.0F);
  for (std::size_t i = 0; i < codes.size(); ++i) sum[i % dimension] += codes[i];
  double square = 0;
  for (const float value : sum) square += double{value} * double{value};
  CHIARO_CHECK(std::isfinite(square) && square > 0, Bundle,
               "[restore.inspect] '{}': what {} gives is no code; expected finite values of a "
               "mean other than 0",
               origin_, bundle::kEncodeMember);
  for (float& value : sum) value = static_cast<float>(value / std::sqrt(square));
  return sum;
}

}  // namespace chiaro::restore
