#include "chiaro/base/recipe.h"

#include <algorithm>
#include <cctype>
#include <sstream>

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

#include "chiaro/base/files.h"
#include "chiaro/base/text.h"

namespace chiaro {
namespace {

template <typename V>
std::vector<V> typed_array(const toml::array& array, const std::string& where) {
  std::vector<V> values;
  for (const auto& node : array) {
    const auto value = node.value<V>();
    CHIARO_CHECK(value.has_value(), Usage, "[base.recipe] {} mixes types in one list", where);
    values.push_back(*value);
  }
  return values;
}

OptionValue from_array(const toml::array& array, const std::string& where) {
  if (array.empty()) return std::vector<std::int64_t>{};
  if (array.is_homogeneous(toml::node_type::integer))
    return typed_array<std::int64_t>(array, where);
  if (array.is_homogeneous(toml::node_type::string)) return typed_array<std::string>(array, where);
  return typed_array<double>(array, where);
}

Recipe from_table(const toml::table& table, const std::string& where) {
  Recipe recipe;
  for (const auto& [key_node, node] : table) {
    const std::string key(key_node.str());
    const std::string here = where.empty() ? key : where + "." + key;
    if (const auto* sub = node.as_table()) {
      recipe.tables[key] = from_table(*sub, here);
    } else if (const auto* array = node.as_array();
               array != nullptr && array->is_array_of_tables()) {
      for (const auto& item : *array)
        recipe.lists[key].push_back(from_table(*item.as_table(), here));
    } else if (array != nullptr) {
      recipe.values[key] = from_array(*array, here);
    } else if (node.is_boolean()) {
      recipe.values[key] = node.as_boolean()->get();
    } else if (node.is_integer()) {
      recipe.values[key] = node.as_integer()->get();
    } else if (node.is_floating_point()) {
      recipe.values[key] = node.as_floating_point()->get();
    } else if (node.is_string()) {
      recipe.values[key] = node.as_string()->get();
    } else {
      fail(ErrorCode::Usage, "[base.recipe] {} has a type that recipes do not use (dates)", here);
    }
  }
  return recipe;
}

std::string key_text(const std::string& key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
  return bare ? key : to_text(OptionValue(key));
}

void print_table(const Recipe& recipe, const std::string& path, std::string& out) {
  for (const auto& [key, value] : recipe.values)
    out += key_text(key) + " = " + to_text(value) + "\n";
  const auto heading = [&](const std::string& key) {
    return path.empty() ? key_text(key) : path + "." + key_text(key);
  };
  for (const auto& [key, sub] : recipe.tables) {
    out += "\n[" + heading(key) + "]\n";
    print_table(sub, heading(key), out);
  }
  for (const auto& [key, items] : recipe.lists) {
    for (const auto& item : items) {
      out += "\n[[" + heading(key) + "]]\n";
      print_table(item, heading(key), out);
    }
  }
}

void check_known(const std::string& key, const std::vector<std::string>& known, const char* kind) {
  CHIARO_CHECK(std::count(known.begin(), known.end(), key) > 0, Usage,
               "[base.recipe] unknown {} '{}'{}; known: {}", kind, key, did_you_mean(key, known),
               join(known));
}

}  // namespace

const Recipe& Recipe::table(std::string_view name) const {
  static const Recipe empty;
  const auto found = tables.find(name);
  return found == tables.end() ? empty : found->second;
}

Recipe parse_recipe(std::string_view toml_text, const std::string& origin) {
  try {
    return from_table(toml::parse(toml_text, origin), "");
  } catch (const toml::parse_error& error) {
    const auto& at = error.source().begin;
    fail(ErrorCode::Usage, "[base.recipe] {}:{}:{}: {}", origin, at.line, at.column,
         error.description());
  }
}

Recipe load_recipe(const std::filesystem::path& path) {
  Recipe recipe = parse_recipe(read_text(path), path.string());
  const auto found = recipe.values.find("parent");
  if (found == recipe.values.end()) return recipe;
  const auto* name = std::get_if<std::string>(&found->second);
  CHIARO_CHECK(name != nullptr, Usage, "[base.recipe] {}: parent must be a file name",
               path.string());
  const auto parent_path = path.parent_path() / *name;
  const Recipe parent = parse_recipe(read_text(parent_path), parent_path.string());
  CHIARO_CHECK(parent.values.count("parent") == 0, Usage,
               "[base.recipe] {} is itself a child; a recipe has at most one parent",
               parent_path.string());
  recipe.values.erase("parent");
  return merge_recipes(parent, recipe);
}

Recipe merge_recipes(Recipe base, const Recipe& over) {
  for (const auto& [key, value] : over.values) base.values[key] = value;
  for (const auto& [key, sub] : over.tables)
    base.tables[key] = merge_recipes(base.tables[key], sub);
  for (const auto& [key, items] : over.lists) base.lists[key] = items;
  return base;
}

void set_recipe_value(Recipe& recipe, std::string_view assignment) {
  const auto equals = assignment.find('=');
  CHIARO_CHECK(equals != std::string_view::npos && equals > 0, Usage,
               "[base.recipe] cannot read the setting; got '{}'; expected section.key=value",
               assignment);
  auto path = split(trim(assignment.substr(0, equals)), '.');
  Recipe* target = &recipe;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) target = &target->tables[path[i]];
  target->values[path.back()] = parse_value(assignment.substr(equals + 1));
}

std::string print_recipe(const Recipe& recipe) {
  std::string out;
  print_table(recipe, "", out);
  return out;
}

void check_recipe_sections(const Recipe& recipe, const std::vector<std::string>& known_values,
                           const std::vector<std::string>& known_tables,
                           const std::vector<std::string>& known_lists) {
  std::vector<std::string> sections = known_tables;
  sections.insert(sections.end(), known_lists.begin(), known_lists.end());
  for (const auto& [key, value] : recipe.values) check_known(key, known_values, "key");
  for (const auto& [key, sub] : recipe.tables) {
    check_known(key, sections, "section");
    CHIARO_CHECK(std::count(known_tables.begin(), known_tables.end(), key) > 0, Usage,
                 "[base.recipe] '{0}' is a list of tables: write [[{0}]]", key);
  }
  for (const auto& [key, items] : recipe.lists) {
    check_known(key, sections, "section");
    CHIARO_CHECK(std::count(known_lists.begin(), known_lists.end(), key) > 0, Usage,
                 "[base.recipe] '{0}' is a single table: write [{0}]", key);
  }
}

}  // namespace chiaro
