#include "chiaro/restore/guard.h"

#include <algorithm>

#include "chiaro/base/error.h"

namespace chiaro::restore {
namespace {

/// 0 up to `low`, 1 from `high` on, smooth between.
double smooth_step(double value, double low, double high) {
  if (value <= low) return 0;
  if (value >= high) return 1;
  const double t = (value - low) / (high - low);
  return t * t * (3 - 2 * t);
}

}  // namespace

GuardMode parse_guard_mode(std::string_view text) {
  if (text == "off") return GuardMode::Off;
  if (text == "soft") return GuardMode::Soft;
  if (text == "strict") return GuardMode::Strict;
  fail(ErrorCode::Usage, "[restore.guard] unknown guard; got '{}'; expected off, soft or strict",
       text);
}

std::string_view guard_mode_name(GuardMode mode) {
  return mode == GuardMode::Off ? "off" : mode == GuardMode::Soft ? "soft" : "strict";
}

GuardDecision judge(const Inspection& found, const bundle::ConditionInfo& info,
                    const GuardOptions& options) {
  const std::size_t top = found.top();
  const double threshold = info.novelty_threshold;
  GuardDecision decision;
  decision.certainty = smooth_step(found.probabilities[top], options.doubtful_probability,
                                   options.certain_probability);
  decision.familiarity =
      1 - smooth_step(found.novelty, threshold, options.strange_multiple * threshold);
  decision.consistency =
      smooth_step(found.agreement, options.doubtful_agreement, options.certain_agreement);
  decision.confidence = decision.certainty * decision.familiarity * decision.consistency;
  decision.clean =
      info.types[top] == bundle::kCleanType && found.probabilities[top] > options.clean_probability;
  decision.drawn = found.drawn && found.drawn->drawn();
  decision.unlike = found.novelty > threshold;
  decision.strength =
      decision.clean || decision.drawn
          ? 0
          : options.least_strength + (1 - options.least_strength) * decision.confidence;
  return decision;
}

std::string recommendation(const GuardDecision& decision) {
  if (decision.drawn) return "leave it alone: it is drawn, not photographed";
  if (decision.clean) return "leave it alone: it looks clean";
  if (decision.unlike) return "restore with care: unlike anything seen in training";
  if (decision.strength < kNotableStrength) return "restore with care: the damage is not clear";
  return "restore";
}

}  // namespace chiaro::restore
