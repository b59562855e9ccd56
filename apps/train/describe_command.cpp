#include <iostream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "apps/console/catalogue_entry.h"
#include "apps/console/events.h"
#include "apps/train/commands.h"
#include "apps/train/recipe_schema.h"
#include "chiaro/base/text.h"
#include "chiaro/methods/method.h"
#include "chiaro/networks/network.h"

namespace chiaro::apps {
namespace {

struct DescribeArguments {
  std::string name;
  bool schema = false;
  bool json = false;
  std::string also;  ///< what `chiaro describe` knows: names with commas between
  int shown = 0;     ///< entries that `chiaro describe` has shown before
};

void describe(const DescribeArguments& arguments) {
  const std::string& name = arguments.name;
  int found = 0;
  std::vector<std::string> names = split(arguments.also, ',');
  for (const char* all : {"networks", "methods"}) names.emplace_back(all);
  for (const auto& entry : networks::catalogue()) {
    names.push_back(entry.name);
    if (!name.empty() && name != "networks" && name != entry.name) continue;
    console::print_entry({"network", entry.name, entry.summary, entry.reference, entry.options},
                         arguments.json);
    ++found;
  }
  for (const auto& entry : methods::catalogue()) {
    names.push_back(entry.name);
    if (!name.empty() && name != "methods" && name != entry.name) continue;
    console::print_entry({"method", entry.name, entry.summary, entry.reference, entry.options},
                         arguments.json);
    ++found;
  }
  CHIARO_CHECK(found > 0, Usage, "[describe] nothing is called '{}'{}; known: {}", name,
               did_you_mean(name, names), join(names));
  if (arguments.json) console::print_event("summary", {{"done", found + arguments.shown}});
}

}  // namespace

void add_describe(CLI::App& root) {
  auto arguments = std::make_shared<DescribeArguments>();
  CLI::App* command = root.add_subcommand(
      "describe", "Print networks and methods with their options, defaults, units and references");
  command->footer(
      "Examples:\n  chiaro describe resunet\n  chiaro describe recipes --schema > "
      "recipe.schema.json");
  auto* what = command->add_option(
      "name", arguments->name, "a network, a method, 'networks' or 'methods'; default: everything");
  command->add_flag("--schema", arguments->schema, "JSON Schema of the recipes of chiaro train")
      ->excludes(what);
  command->add_flag("--json", arguments->json, "one JSON object per entry on stdout");
  command->add_option("--shown", arguments->shown)->group("");
  command->add_option("--also", arguments->also)->group("");
  command->callback([arguments] {
    if (arguments->schema) {
      fmt::print("{}\n", recipe_schema().dump(2));
    } else {
      describe(*arguments);
    }
  });
}

}  // namespace chiaro::apps
