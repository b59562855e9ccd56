#include "chiaro/restore/damage_code.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>
#include <span>

#include "chiaro/base/error.h"
#include "chiaro/base/sha256.h"
#include "chiaro/restore/prepare.h"
#include "chiaro/restore/range_curve.h"
#include "chiaro/restore/views.h"

namespace chiaro::restore {

std::vector<float> damage_code(const Inspection& seen) {
  double square = 0;  // Σ p² (cos² + sin²)
  for (const double probability : seen.probabilities) square += probability * probability;
  CHIARO_CHECK(square > 0, Internal, "[restore.damage_code] no type has a probability");
  const double length = std::sqrt(square);
  std::vector<float> code;
  for (std::size_t k = 0; k < seen.probabilities.size(); ++k) {
    const double angle = seen.severities[k] * std::numbers::pi / 2;
    code.push_back(static_cast<float>(seen.probabilities[k] / length * std::cos(angle)));
    code.push_back(static_cast<float>(seen.probabilities[k] / length * std::sin(angle)));
  }
  return code;
}

CodeViews damage_views(image::Image picture, const bundle::ConditionInfo& info) {
  CHIARO_CHECK(!picture.empty(), Usage, "[restore.damage_views] the picture is empty");
  fill_hidden_colors(picture);
  if (const RangeCurve curve(range_of(picture)); curve.bends()) curve.show(picture.pixels());
  return {.square = {},
          .native = native_views(picture, info.view_px, info.max_views),
          .whole = whole_view(picture, info.whole_px, info.whole_alignment_px)};
}

CodeLayout damage_layout(const bundle::Manifest& manifest, const std::string& origin) {
  const auto graph = manifest.members.find(bundle::kConditionMember);
  CHIARO_CHECK(manifest.condition.has_value() && graph != manifest.members.end(), Bundle,
               "[restore.damage_layout] bundle '{}' has no controller", origin);
  const bundle::ConditionInfo& info = *manifest.condition;
  const std::string all =
      fmt::format("damage 2\n{}\n{} types at temperature {}\nviews {} x {} px, whole {} px by {}\n",
                  graph->second.sha256, info.types.size(), info.temperature, info.max_views,
                  info.view_px, info.whole_px, info.whole_alignment_px);
  return {sha256_hex(std::as_bytes(std::span(all))),
          {{kDamagePart, 2 * static_cast<std::int64_t>(info.types.size()), false}}};
}

}  // namespace chiaro::restore
