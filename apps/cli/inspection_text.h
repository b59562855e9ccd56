// What a controller and the guard say of a picture, for people and for programs.
#pragma once

#include <string>

#include "apps/cli/events.h"
#include "chiaro/restore/guard.h"
#include "chiaro/restore/inspector.h"

namespace chiaro::cli {

/// Types by probability, those of at least this much are worth a word: "perhaps", from kLikely on
/// "likely", from kSure on "sure".
inline constexpr double kNoticeable = 0.1;
inline constexpr double kLikely = 0.5;
inline constexpr double kSure = restore::GuardOptions().clean_probability;

/// {type, probability, severity, types: [{type, probability, severity}], domain?, domains?,
/// agreement, looks, novelty, novelty_threshold, and drawn where it was asked for}; lists from the
/// most probable down.
Json inspection_json(const restore::Inspection& found, const bundle::ConditionInfo& info);

/// The noticeable types, the first always, with how sure that is: "noise (sure), rain (perhaps)".
std::string kinds_text(const restore::Inspection& found, const bundle::ConditionInfo& info);

/// What is wrong and what `chiaro restore` would make of it, in one sentence for people: "looks
/// clean: would be left as it is", "rain (sure), noise (perhaps): would be restored at full
/// strength".
std::string verdict_text(const restore::GuardDecision& decision, const restore::Inspection& found,
                         const bundle::ConditionInfo& info);

/// {certainty, familiarity, consistency, confidence, strength, clean, drawn, unlike}.
Json guard_json(const restore::GuardDecision& decision);

/// "rain 0.83 (severity 0.4), noise 0.12 (severity 0.2)": the noticeable types, the first always.
std::string types_text(const restore::Inspection& found, const bundle::ConditionInfo& info);

/// The most probable domain; "" where the controller knows none.
std::string domain_text(const restore::Inspection& found, const bundle::ConditionInfo& info);

/// One line on what the guard did; "" where it held back next to nothing
/// (restore::kNotableStrength).
std::string guard_text(const restore::GuardDecision& decision, const restore::Inspection& found,
                       const bundle::ConditionInfo& info);

}  // namespace chiaro::cli
