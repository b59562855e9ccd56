#include <iostream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "apps/train/commands.h"
#include "apps/train/recipe_schema.h"
#include "chiaro/base/text.h"
#include "chiaro/methods/method.h"
#include "chiaro/networks/network.h"

namespace chiaro::apps {
namespace {

std::string limits_text(const FieldLimits& limits) {
  std::string text;
  if (!limits.choices.empty()) text += "one of " + join(limits.choices);
  const bool low = limits.min > -std::numeric_limits<double>::infinity();
  const bool high = limits.max < std::numeric_limits<double>::infinity();
  if (low || high)
    text += fmt::format("{}..{}", low ? shortest(limits.min, false) : "",
                        high ? shortest(limits.max, false) : "");
  if (!limits.unit.empty()) text += (text.empty() ? "" : " ") + limits.unit;
  return text.empty() ? "" : " [" + text + "]";
}

template <typename Entry>
void print_entry(const Entry& entry, const char* kind) {
  fmt::print("{} ({})\n  {}\n  {}\n", entry.name, kind, entry.summary, entry.reference);
  for (const auto& option : entry.options) {
    fmt::print("    {} = {}{}\n        {}\n", option.name, to_text(option.default_value),
               limits_text(option.limits), option.help);
  }
}

void describe_command(const std::string& name) {
  bool found = false;
  std::vector<std::string> names = {"networks", "methods"};
  for (const auto& entry : networks::catalogue()) {
    names.push_back(entry.name);
    if (!name.empty() && name != "networks" && name != entry.name) continue;
    print_entry(entry, "network");
    found = true;
  }
  for (const auto& entry : methods::catalogue()) {
    names.push_back(entry.name);
    if (!name.empty() && name != "methods" && name != entry.name) continue;
    print_entry(entry, "method");
    found = true;
  }
  CHIARO_CHECK(found, Usage, "[describe] nothing is called '{}'{}; known: {}", name,
               did_you_mean(name, names), join(names));
}

}  // namespace

void add_describe(CLI::App& root) {
  auto name = std::make_shared<std::string>();
  auto schema = std::make_shared<bool>(false);
  CLI::App* command = root.add_subcommand(
      "describe", "Print networks and methods with their options, defaults, units and references");
  command->footer(
      "Examples:\n  chiaro describe resunet\n  chiaro describe recipes --schema > "
      "recipe.schema.json");
  auto* what = command->add_option(
      "name", *name, "a network, a method, 'networks' or 'methods'; default: everything");
  command->add_flag("--schema", *schema, "JSON Schema of the recipes of chiaro train")
      ->excludes(what);
  command->callback([name, schema] {
    if (*schema) {
      fmt::print("{}\n", recipe_schema().dump(2));
    } else {
      describe_command(*name);
    }
  });
}

}  // namespace chiaro::apps
