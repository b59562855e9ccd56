// First, do no harm: how much of a restoration to trust, from what the controller says of the
// picture.
#pragma once

#include <string>
#include <string_view>

#include "chiaro/bundle/manifest.h"
#include "chiaro/restore/inspector.h"

namespace chiaro::restore {

enum class GuardMode {
  Off,    ///< the network's result, whatever the picture
  Soft,   ///< less strength where the controller is unsure; clean and drawn pictures stay as they
          ///< are
  Strict  ///< as Soft, and pictures unlike anything seen in training are refused
};

/// "off", "soft", "strict". Errors: Usage.
GuardMode parse_guard_mode(std::string_view text);
std::string_view guard_mode_name(GuardMode mode);

/// The constants of the guard, all of them. They are a first choice, not fitted to data.
struct GuardOptions {
  /// A picture taken for clean with more than this probability is left alone: what `inspect` calls
  /// surely clean.
  double clean_probability = 0.8;
  /// Certainty rises from 0 to 1 while the highest probability of a type does between these. Two
  /// damages of equal probability (0.5 each) are no doubt.
  double doubtful_probability = 0.2;
  double certain_probability = 0.5;
  /// Familiarity falls from 1 to 0 while novelty rises from the bundle's threshold to this multiple
  /// of it. Close to 1, because a novelty that is one minus a cosine hardly exceeds 1.
  double strange_multiple = 1.2;
  /// Consistency rises from 0 to 1 while the agreement of two looks does between these.
  double doubtful_agreement = 0.3;
  double certain_agreement = 0.8;
  /// Strength where confidence is 0.
  double least_strength = 0.25;
};

/// From this strength on what is held back is not seen, and not worth a word.
inline constexpr double kNotableStrength = 0.95;

/// What the guard makes of a picture.
struct GuardDecision {
  double certainty = 1;    ///< [0,1], from the highest probability
  double familiarity = 1;  ///< [0,1], from the novelty
  double consistency = 1;  ///< [0,1], from the agreement of picture and mirror image
  double confidence = 1;   ///< certainty * familiarity * consistency
  double strength = 1;     ///< factor on the strength asked for; 0: the picture is left alone
  bool clean = false;      ///< taken for clean
  bool drawn = false;      ///< no photograph, which networks of photographs would harm
  bool unlike = false;     ///< novelty above the threshold: unlike anything seen in training
};

/// strength = least + (1 - least) * confidence, or 0 for a picture taken for clean or drawn.
/// Confidence is the product of three smooth steps (3t² - 2t³). Pure.
GuardDecision judge(const Inspection& found, const bundle::ConditionInfo& info,
                    const GuardOptions& options = {});

/// What to do, in a few words: "leave it alone: it looks clean", "restore", …
std::string recommendation(const GuardDecision& decision);

}  // namespace chiaro::restore
