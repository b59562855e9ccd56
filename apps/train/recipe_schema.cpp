#include "apps/train/recipe_schema.h"

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "apps/schema/options_schema.h"
#include "apps/train/training_recipe.h"
#include "chiaro/base/version.h"
#include "chiaro/data/dataset.h"
#include "chiaro/methods/method.h"
#include "chiaro/networks/network.h"
#include "chiaro/train/options.h"

namespace chiaro::apps {
namespace {

using schema::options_schema;
using Schema = nlohmann::ordered_json;

/// The table that names an entry of the catalogue and has its options: any of those that go into
/// `definitions`, one for each entry.
template <typename Entry>
Schema entry_table(const std::vector<Entry>& catalogue, const std::string& kind,
                   Schema& definitions) {
  Schema names = Schema::array();
  Schema tables = Schema::array();
  for (const Entry& entry : catalogue) {
    Schema options = options_schema(entry.options);
    options["description"] = entry.summary;
    options["properties"]["name"] = {{"const", entry.name}, {"description", entry.summary}};
    const std::string key = kind + "_" + entry.name;
    definitions[key] = std::move(options);
    names.push_back(entry.name);
    tables.push_back({{"$ref", "#/$defs/" + key}});
  }
  return {{"type", "object"},
          {"properties", {{"name", {{"type", "string"}, {"enum", std::move(names)}}}}},
          {"anyOf", std::move(tables)}};
}

template <typename Options>
Schema table_of() {
  return options_schema(describe_options<Options>());
}

template <typename Options>
Schema list_of() {
  return {{"type", "array"}, {"items", table_of<Options>()}};
}

Schema required(std::initializer_list<const char*> names) {
  Schema rule;
  for (const char* name : names) rule["required"].push_back(name);
  return rule;
}

/// What must be there in a recipe that stands alone, and no [network] beside a method that brings
/// its own.
Schema rules() {
  Schema alone = required({"name", "method"});
  alone["properties"] = {{"method", required({"name"})}, {"network", required({"name"})}};
  Schema bring_their_own = Schema::array();
  for (const methods::Entry& entry : methods::catalogue()) {
    if (!entry.takes_network) bring_their_own.push_back(entry.name);
  }
  Schema method = required({"name"});
  method["properties"]["name"]["enum"] = std::move(bring_their_own);
  Schema brings_its_own = required({"method"});
  brings_its_own["properties"]["method"] = std::move(method);
  return Schema::array(
      {{{"if", {{"not", required({"parent"})}}}, {"then", std::move(alone)}},
       {{"if", std::move(brings_its_own)}, {"then", {{"not", required({"network"})}}}}});
}

}  // namespace

Schema recipe_schema() {
  Schema definitions = Schema::object();
  Schema schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                {"title", "recipe of chiaro train, version " + std::string(version())},
                {"type", "object"},
                {"additionalProperties", false}};
  schema["properties"] = {
      {"parent", {{"type", "string"}, {"description", "a recipe that this one changes"}}},
      {"name", {{"type", "string"}, {"description", "of the run and of what is trained"}}},
      {"network", entry_table(networks::catalogue(), "network", definitions)},
      {"method", entry_table(methods::catalogue(), "method", definitions)},
      {"data", table_of<data::DataOptions>()},
      {"source", list_of<data::SourceOptions>()},
      {"task", list_of<data::TaskOptions>()},
      {"train", table_of<train::TrainOptions>()},
      {"validate", table_of<ValidateOptions>()}};
  schema["allOf"] = rules();
  schema["$defs"] = std::move(definitions);
  return schema;
}

}  // namespace chiaro::apps
