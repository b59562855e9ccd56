#include "apps/cli/code_inspection.h"

#include <fmt/format.h>

#include "apps/cli/inspection_text.h"
#include "chiaro/base/text.h"
#include "chiaro/restore/inspector.h"

namespace chiaro::cli {
namespace {

/// "noise 0.93, rain 0.07": the noticeable kinds, the most frequent always.
std::string kinds_text(const restore::TreeStep& step, const std::vector<std::string>& kinds) {
  std::vector<std::string> words;
  for (const std::size_t k : restore::descending(step.kinds)) {
    if (words.empty() || step.kinds[k] >= kNoticeable)
      words.push_back(fmt::format("{} {:.2f}", kinds[k], step.kinds[k]));
  }
  return join(words);
}

/// How closely the picture is like its node: the finer the level that knows it, the closer.
std::string closeness_text(const restore::Placement& placement) {
  if (placement.known_level == 0) return "closely";
  return placement.known_level + 1 == placement.path.size() ? "only broadly" : "roughly";
}

/// "1, finest".
std::string level_text(std::size_t level, std::size_t levels) {
  const char* place = level == 0 ? ", finest" : level + 1 == levels ? ", coarsest" : "";
  return fmt::format("{}{}", level + 1, levels > 1 ? place : "");
}

}  // namespace

Json placement_json(const restore::Placement& placement, const std::vector<std::string>& kinds) {
  Json path = Json::array();
  for (std::size_t l = 0; l < placement.path.size(); ++l) {
    const auto& step = placement.path[l];
    Json shares = Json::object();
    for (std::size_t k = 0; k < kinds.size(); ++k) shares[kinds[k]] = step.kinds[k];
    path.push_back({{"level", l + 1},
                    {"node", step.node},
                    {"cosine", step.cosine},
                    {"floor", step.floor},
                    {"severity", step.severity},
                    {"kinds", std::move(shares)}});
  }
  const auto& known = placement.known();
  return {{"unknown", placement.unknown()},
          {"known_level", placement.unknown() ? Json() : Json(placement.known_level + 1)},
          {"levels", placement.path.size()},
          {"type", kinds[placement.kind()]},
          {"share", known.kinds[placement.kind()]},
          {"severity", known.severity},
          {"path", std::move(path)}};
}

std::string placement_text(const restore::Placement& placement,
                           const std::vector<std::string>& kinds) {
  const auto& known = placement.known();
  const std::string nearest =
      fmt::format("{} (severity {:.2f})", kinds_text(known, kinds), known.severity);
  if (placement.unknown())
    return fmt::format("UNLIKE ANYTHING SEEN IN TRAINING, nearest to {}", nearest);
  return fmt::format("{}: {} like what was seen in training", nearest, closeness_text(placement));
}

std::string path_text(const restore::Placement& placement, const std::vector<std::string>& kinds) {
  std::string text;
  for (std::size_t l = 0; l < placement.path.size(); ++l) {
    const auto& step = placement.path[l];
    text += fmt::format("  level {:<12} prototype {:<4} cosine {:.3f} (floor {:.3f})  {}\n",
                        level_text(l, placement.path.size()), step.node, step.cosine, step.floor,
                        kinds_text(step, kinds));
  }
  return text;
}

}  // namespace chiaro::cli
