// Published conventions as templates with a name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "chiaro/degrade/spec.h"

namespace chiaro::degrade {

struct Preset {
  std::string name;
  std::string text;     ///< a template, see spec.h
  std::string summary;  ///< and how it differs from the original, where it does
  std::string reference;
};

/// All presets.
const std::vector<Preset>& presets();

/// The preset of that name. Errors: Usage, naming the nearest one.
const Preset& find_preset(std::string_view name);

/// Its template, ready to draw from. Errors: as find_preset.
ChainTemplate preset(std::string_view name);

}  // namespace chiaro::degrade
