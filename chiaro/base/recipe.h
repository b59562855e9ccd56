// TOML documents as nested option tables, with one optional parent: the form of recipes.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "chiaro/base/options.h"

namespace chiaro {

/// A TOML table: scalar keys, sub-tables and arrays of tables.
struct Recipe {
  OptionTable values;
  std::map<std::string, Recipe, std::less<>> tables;
  std::map<std::string, std::vector<Recipe>, std::less<>> lists;

  /// The sub-table, or an empty one.
  const Recipe& table(std::string_view name) const;
  bool has_table(std::string_view name) const { return tables.find(name) != tables.end(); }
};

/// Parses TOML. Errors: Usage with line and column; `origin` names the text in messages.
Recipe parse_recipe(std::string_view toml, const std::string& origin);

/// Reads a file. A top-level key `parent = "name.toml"` (relative to the file) is loaded first and
/// overridden; a parent must not have one itself. Errors: Input, Usage.
Recipe load_recipe(const std::filesystem::path& path);

/// `over` on top of `base`: scalars replaced, tables merged, lists of tables replaced whole.
Recipe merge_recipes(Recipe base, const Recipe& over);

/// Sets one value from "section.key=value" (as on the command line). Errors: Usage.
void set_recipe_value(Recipe& recipe, std::string_view assignment);

/// TOML text; parse_recipe(print_recipe(r)) == r.
std::string print_recipe(const Recipe& recipe);

/// Fails with the nearest known name if the recipe has a section outside `known_tables` and
/// `known_lists`, or a top-level key outside `known_values`. Errors: Usage.
void check_recipe_sections(const Recipe& recipe, const std::vector<std::string>& known_values,
                           const std::vector<std::string>& known_tables,
                           const std::vector<std::string>& known_lists);

}  // namespace chiaro
