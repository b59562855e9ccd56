#include "apps/cli/inspection_text.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "chiaro/base/text.h"

namespace chiaro::cli {
namespace {

const char* certainty_word(double probability) {
  return probability >= kSure ? "sure" : probability >= kLikely ? "likely" : "perhaps";
}

}  // namespace

std::string kinds_text(const restore::Inspection& found, const bundle::ConditionInfo& info) {
  std::vector<std::string> parts;
  for (const std::size_t k : restore::descending(found.probabilities)) {
    if (!parts.empty() && found.probabilities[k] < kNoticeable) break;
    parts.push_back(fmt::format("{} ({})", info.types[k], certainty_word(found.probabilities[k])));
  }
  return join(parts);
}

std::string verdict_text(const restore::GuardDecision& decision, const restore::Inspection& found,
                         const bundle::ConditionInfo& info) {
  if (decision.drawn) return "looks drawn, not photographed: would be left as it is";
  if (decision.clean) return "looks clean: would be left as it is";
  const std::string kinds = kinds_text(found, info);
  if (decision.strength >= restore::kNotableStrength) {
    // The restorer is told what it is taken for, and changes little of what is clean.
    const bool rather_clean = info.types[found.top()] == bundle::kCleanType;
    return kinds + (rather_clean ? ": little or nothing would be changed"
                                 : ": would be restored at full strength");
  }
  return fmt::format(
      "{}: would be restored at strength {:.2f}; {}", kinds, decision.strength,
      decision.unlike ? "it is unlike anything seen in training" : "the damage is not clear");
}

Json inspection_json(const restore::Inspection& found, const bundle::ConditionInfo& info) {
  Json types = Json::array();
  for (const std::size_t k : restore::descending(found.probabilities)) {
    types.push_back({{"type", info.types[k]},
                     {"probability", found.probabilities[k]},
                     {"severity", found.severities[k]}});
  }
  Json json = {{"type", types[0]["type"]},         {"probability", types[0]["probability"]},
               {"severity", types[0]["severity"]}, {"types", std::move(types)},
               {"agreement", found.agreement},     {"looks", found.looks},
               {"novelty", found.novelty},         {"novelty_threshold", info.novelty_threshold}};
  if (found.drawn) {
    json["drawn"] = {{"exact", found.drawn->exact},
                     {"grain", found.drawn->grain},
                     {"turns", found.drawn->turns},
                     {"drawn", found.drawn->drawn()}};
  }
  if (found.domains.empty()) return json;
  Json domains = Json::array();
  for (const std::size_t k : restore::descending(found.domains)) {
    domains.push_back({{"domain", info.domains[k]}, {"probability", found.domains[k]}});
  }
  json["domain"] = domains[0]["domain"];
  json["domains"] = std::move(domains);
  return json;
}

Json guard_json(const restore::GuardDecision& decision) {
  return {{"certainty", decision.certainty},
          {"familiarity", decision.familiarity},
          {"consistency", decision.consistency},
          {"confidence", decision.confidence},
          {"strength", decision.strength},
          {"clean", decision.clean},
          {"drawn", decision.drawn},
          {"unlike", decision.unlike}};
}

std::string types_text(const restore::Inspection& found, const bundle::ConditionInfo& info) {
  std::vector<std::string> parts;
  for (const std::size_t k : restore::descending(found.probabilities)) {
    if (!parts.empty() && found.probabilities[k] < kNoticeable) break;
    const auto name = fmt::format("{} {:.2f}", info.types[k], found.probabilities[k]);
    parts.push_back(info.types[k] == bundle::kCleanType
                        ? name
                        : fmt::format("{} (severity {:.2f})", name, found.severities[k]));
  }
  return join(parts);
}

std::string domain_text(const restore::Inspection& found, const bundle::ConditionInfo& info) {
  return found.domains.empty() ? "" : info.domains[restore::descending(found.domains).front()];
}

std::string guard_text(const restore::GuardDecision& decision, const restore::Inspection& found,
                       const bundle::ConditionInfo& info) {
  if (decision.drawn) {
    return "the picture is drawn, not photographed (exact edges, or no noise at all), and is left "
           "as it "
           "is; --guard off restores it all the same";
  }
  if (decision.clean) {
    return fmt::format(
        "the picture looks clean ({:.2f}) and is left as it is; if it is not, --as says what is "
        "wrong, as in --as 'noise(0.3)'",
        found.probabilities[found.top()]);
  }
  if (decision.strength >= restore::kNotableStrength) return "";
  return fmt::format("strength lowered to {:.2f}: {}; --guard off does not hold back",
                     decision.strength,
                     decision.unlike ? fmt::format("unlike anything seen in training (novelty "
                                                   "{:.3g}, threshold {:.3g})",
                                                   found.novelty, info.novelty_threshold)
                                     : "the damage is not clear (" + types_text(found, info) + ")");
}

}  // namespace chiaro::cli
