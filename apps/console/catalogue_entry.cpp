#include "apps/console/catalogue_entry.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "apps/console/events.h"
#include "chiaro/base/text.h"

namespace chiaro::console {
namespace {

std::string range_text(const FieldLimits& limits) {
  std::string text;
  if (!limits.choices.empty()) text = "one of " + join(limits.choices);
  const auto bound = [](double value) {
    return std::isfinite(value) ? shortest(value, false) : std::string();
  };
  if (std::isfinite(limits.min) || std::isfinite(limits.max))
    text += bound(limits.min) + ".." + bound(limits.max);
  if (!limits.unit.empty()) text += (text.empty() ? "" : " ") + limits.unit;
  return text;
}

}  // namespace

void print_entry(const CatalogueEntry& entry, bool json) {
  if (json) {
    Json options = Json::array();
    for (const FieldInfo& option : entry.options) {
      options.push_back({{"name", option.name},
                         {"default", to_text(option.default_value)},
                         {"range", range_text(option.limits)},
                         {"help", option.help}});
    }
    print_event("entry", {{"kind", entry.kind},
                          {"name", entry.name},
                          {"summary", entry.summary},
                          {"reference", entry.reference},
                          {"options", std::move(options)}});
    return;
  }
  fmt::print("{} ({})\n  {}\n  {}\n", entry.name, entry.kind, entry.summary, entry.reference);
  for (const FieldInfo& option : entry.options) {
    const std::string range = range_text(option.limits);
    fmt::print("    {} = {}{}\n        {}\n", option.name, to_text(option.default_value),
               range.empty() ? "" : "  [" + range + "]", option.help);
  }
}

}  // namespace chiaro::console
