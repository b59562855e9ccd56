// The JSON Schema of recipes says what the definitions say, and knows every key that ships.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "chiaro/base/recipe.h"
#include "chiaro/data/dataset.h"
#include "chiaro/methods/method.h"
#include "chiaro/networks/network.h"
#include "chiaro/train/options.h"
#include "tests/support/expect_error.h"
#include "tests/support/process.h"
#include "tests/train_cli/tiny_training.h"

namespace chiaro::recipe_schema_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Names = std::set<std::string>;

const json& schema() {
  static const json parsed = [] {
    const auto told = test::run_process({CHIARO_TRAIN_PROGRAM, "describe", "--schema"});
    EXPECT_EQ(told.status, 0) << told.err;
    return json::parse(told.out);
  }();
  return parsed;
}

Names keys_of(const json& object) {
  Names names;
  for (const auto& [key, value] : object.items()) names.insert(key);
  return names;
}

Names names_of(const std::vector<FieldInfo>& options) {
  Names names;
  for (const FieldInfo& option : options) names.insert(option.name);
  return names;
}

/// The table [kind] that names this entry.
const json& table_of_entry(const std::string& kind, const std::string& entry) {
  return schema().at("$defs").at(kind + "_" + entry);
}

template <typename Entry>
void expect_all_of(const std::vector<Entry>& catalogue, const std::string& kind) {
  std::vector<std::string> entries;
  for (const Entry& entry : catalogue) {
    entries.push_back(entry.name);
    const json& table = table_of_entry(kind, entry.name);
    Names expected = names_of(entry.options);
    expected.insert("name");
    EXPECT_EQ(keys_of(table.at("properties")), expected) << entry.name;
    EXPECT_EQ(table.at("properties").at("name").at("const"), entry.name);
    EXPECT_EQ(table.at("additionalProperties"), false);
  }
  const json& section = schema().at("properties").at(kind);
  EXPECT_EQ(section.at("properties").at("name").at("enum"), json(entries));
  EXPECT_EQ(section.at("anyOf").size(), entries.size());
}

TEST(RecipeSchema, HasTheOptionsOfTheCatalogues) {
  expect_all_of(networks::catalogue(), "network");
  expect_all_of(methods::catalogue(), "method");
}

TEST(RecipeSchema, HasTheOptionsOfTheOtherSections) {
  const json& sections = schema().at("properties");
  EXPECT_EQ(keys_of(sections), (Names{"parent", "name", "network", "method", "data", "source",
                                      "task", "train", "validate"}));
  const auto expect = [](const json& table, const std::vector<FieldInfo>& options) {
    EXPECT_EQ(keys_of(table.at("properties")), names_of(options));
    EXPECT_EQ(table.at("additionalProperties"), false);
  };
  expect(sections.at("data"), describe_options<data::DataOptions>());
  expect(sections.at("source").at("items"), describe_options<data::SourceOptions>());
  expect(sections.at("task").at("items"), describe_options<data::TaskOptions>());
  expect(sections.at("train"), describe_options<train::TrainOptions>());
}

/// Keys that the schema of their table does not know, each with its section.
void add_strange(const OptionTable& table, const json& known, const std::string& section,
                 std::vector<std::string>& strange) {
  for (const auto& [key, value] : table) {
    if (!known.at("properties").contains(key)) strange.push_back(section + '.' + key);
  }
}

std::vector<std::string> strange_keys(const Recipe& recipe) {
  const json& sections = schema().at("properties");
  std::vector<std::string> strange;
  add_strange(recipe.values, schema(), "top", strange);
  for (const auto& [name, table] : recipe.tables) {
    if (!sections.contains(name)) {
      strange.push_back(name);
      continue;
    }
    const bool of_catalogue = name == "network" || name == "method";
    const json& known = of_catalogue
                            ? table_of_entry(name, std::get<std::string>(table.values.at("name")))
                            : sections.at(name);
    add_strange(table.values, known, name, strange);
  }
  for (const auto& [name, list] : recipe.lists) {
    for (const Recipe& item : list)
      add_strange(item.values, sections.at(name).at("items"), name, strange);
  }
  return strange;
}

TEST(RecipeSchema, KnowsEveryKeyOfTheRecipesThatShip) {
  int looked_at = 0;
  for (const char* folder : {"/recipes", "/recipes/studies"}) {
    for (const auto& entry : fs::directory_iterator(std::string(CHIARO_SOURCE_DIR) + folder)) {
      if (entry.path().extension() != ".toml") continue;
      const Recipe recipe = load_recipe(entry.path());
      if (recipe.lists.contains("arm")) continue;  // a study, which has recipes
      EXPECT_EQ(strange_keys(recipe), std::vector<std::string>{}) << entry.path();
      ++looked_at;
    }
  }
  EXPECT_GT(looked_at, 10);
  const Recipe wrong = parse_recipe("name = \"x\"\n[train]\nstep = 3\n[trane]\na = 1\n", "wrong");
  EXPECT_EQ(strange_keys(wrong), (std::vector<std::string>{"train.step", "trane"}));
}

/// The first letter twice: nearer to the key than to any other.
std::string misspelt(const std::string& key) {
  return key.front() + key;
}

/// Every key of a table of the schema is refused where it is misspelt, with the right one.
template <typename Parse>
int expect_named(const json& table, const std::string& where, const Parse& parse) {
  int keys = 0;
  for (const std::string& key : keys_of(table.at("properties"))) {
    if (key == "name" && table.at("properties").at(key).contains("const")) continue;
    SCOPED_TRACE(where + "." + key);
    EXPECT_CHIARO_ERROR(parse(OptionTable{{misspelt(key), std::int64_t{1}}}), Usage,
                        "'" + misspelt(key) + "' (did you mean '" + key + "'?)");
    ++keys;
  }
  return keys;
}

TEST(RecipeSchema, AMisspeltOptionIsNamedRight) {
  int keys = 0;
  for (const auto& entry : networks::catalogue())
    keys += expect_named(table_of_entry("network", entry.name), entry.name, entry.make);
  for (const auto& entry : methods::catalogue()) {
    keys += expect_named(table_of_entry("method", entry.name), entry.name,
                         [&](const OptionTable& table) { entry.make({}, table); });
  }
  const json& sections = schema().at("properties");
  keys += expect_named(sections.at("data"), "data", [](const OptionTable& table) {
    parse_options<data::DataOptions>(table, "data");
  });
  keys += expect_named(sections.at("source").at("items"), "source", [](const OptionTable& table) {
    parse_options<data::SourceOptions>(table, "source");
  });
  keys += expect_named(sections.at("task").at("items"), "task", [](const OptionTable& table) {
    parse_options<data::TaskOptions>(table, "task");
  });
  keys += expect_named(sections.at("train"), "train", [](const OptionTable& table) {
    parse_options<train::TrainOptions>(table, "train");
  });
  EXPECT_GT(keys, 250);
}

class MisspeltKeys : public test::TinyTraining {};

// The program alone has these: the sections, what stands beside them, and how it validates.
TEST_F(MisspeltKeys, AreNamedRightByTheProgram) {
  const std::string whole = read_text(folder_ / "recipe.toml");
  const auto expect_refused = [&](const std::string& text, const std::string& key) {
    write_file_atomically(folder_ / "recipe.toml", text);
    EXPECT_EQ(train("run"), 2) << log();
    EXPECT_NE(log().find("'" + misspelt(key) + "' (did you mean '" + key + "'?)"),
              std::string::npos)
        << log();
    EXPECT_FALSE(fs::exists(folder_ / "run"));
  };
  const json& sections = schema().at("properties");
  for (const std::string& key : keys_of(sections.at("validate").at("properties")))
    expect_refused(whole + misspelt(key) + " = 1\n", key);
  for (const auto& [key, section] : sections.items()) {
    const bool is_list = section.at("type") == "array";
    const bool is_table = section.at("type") == "object";
    expect_refused(is_list    ? whole + "[[" + misspelt(key) + "]]\n"
                   : is_table ? whole + "[" + misspelt(key) + "]\n"
                              : misspelt(key) + " = \"tiny\"\n" + whole,
                   key);
  }
}

}  // namespace
}  // namespace chiaro::recipe_schema_test
