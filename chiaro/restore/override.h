// What a person says is wrong with a picture, instead of a controller.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "chiaro/bundle/manifest.h"

namespace chiaro::restore {

/// One degradation that somebody states.
struct StatedDamage {
  std::string type;
  double severity = 0.5;  ///< [0,1]
};

/// Reads "rain(0.6)+noise(0.2)"; the severity may be left out. `clean` stands alone and has none.
/// Errors: Usage (form, range, a type twice, clean with others).
std::vector<StatedDamage> parse_stated_damages(std::string_view text);

/// The condition that says so: equal probabilities of the stated types, their severities, an
/// embedding of zeros; 2K+E values. Errors: Usage (a type the bundle does not know, naming the
/// nearest; nothing stated).
std::vector<float> stated_condition(const std::vector<StatedDamage>& stated,
                                    const bundle::ConditionInfo& info);

/// "rain(0.6)+noise(0.2)", as parse_stated_damages reads it.
std::string stated_text(const std::vector<StatedDamage>& stated);

}  // namespace chiaro::restore
