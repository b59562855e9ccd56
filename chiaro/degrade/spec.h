// Degradations as text.
//
//   chain    = step { "+" step }                     applied from left to right
//   step     = name [ "(" [ key "=" value { "," key "=" value } ] ")" ]
//
// A template may hold what is to be drawn:
//
//   template = slot { "+" slot }
//   slot     = choice { "/" choice } [ "?" p ]       one choice, equally likely; the slot is used
//   with probability p choice   = name [ "(" [ key "=" picks { "," key "=" picks } ] ")" ] picks =
//   pick { "|" pick }                     one pick, equally likely pick     = literal | low ".."
//   high [ "~log" ]    uniform (in the logarithm); integers with both ends
//
// E.g. haze(beta=1.2)+noise(sigma_u8=15) is a chain, and
// gaussian_blur(sigma_px=0.8..3.5~log)/motion_blur+jpeg(quality=10|20|30)?0.5 a template. An option
// that a chain does not state has its default; one that a template does not state is drawn from the
// entry's own range. Literals are numbers, true, false and words (with quotes where they hold
// anything but letters, digits, "_", "-" and ".").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "chiaro/base/options.h"
#include "chiaro/base/rng.h"

namespace chiaro::degrade {

/// One degradation with the options that differ from (or repeat) its defaults.
struct Step {
  std::string name;
  OptionTable options;
  bool operator==(const Step&) const = default;
};

using Chain = std::vector<Step>;

/// Reads a chain; option values get the type of their field. Errors: Usage with the position (from
/// 1) and, for unknown names, the nearest known one.
Chain parse_spec(std::string_view text);

/// The canonical text: options in alphabetical order, no blanks. parse_spec(print_spec(c)) == c.
std::string print_spec(const Chain& chain);

/// What one option may become.
struct Pick {
  OptionValue low;  ///< the literal, or the lower end
  OptionValue high = false;
  bool range = false;
  bool logarithmic = false;
};

/// A distribution over chains.
class ChainTemplate {
 public:
  struct Choice {
    std::string name;
    std::vector<std::pair<std::string, std::vector<Pick>>> stated;  ///< in the text
    std::vector<std::pair<std::string, std::vector<Pick>>>
        own;  ///< the entry's ranges for the rest
  };
  struct Slot {
    std::vector<Choice> choices;
    double probability = 1;
  };

  explicit ChainTemplate(std::vector<Slot> slots) : slots_(std::move(slots)) {}
  const std::vector<Slot>& slots() const { return slots_; }

  /// The canonical text.
  std::string text() const;

 private:
  std::vector<Slot> slots_;
};

/// Errors: as parse_spec; also empty ranges and logarithms of what is not positive.
ChainTemplate parse_template(std::string_view text);

/// A chain with every option stated, so that its text repeats it exactly. May be empty where slots
/// are optional.
Chain draw(const ChainTemplate& chain_template, Rng& rng);

}  // namespace chiaro::degrade
