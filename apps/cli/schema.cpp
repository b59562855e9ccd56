#include "apps/cli/schema.h"

#include <string>
#include <vector>

#include "apps/schema/options_schema.h"
#include "chiaro/base/version.h"
#include "chiaro/degrade/catalogue.h"
#include "chiaro/eval/suite.h"
#include "chiaro/metrics/protocol.h"

namespace chiaro::cli {
namespace {

using schema::options_schema;
using Schema = nlohmann::ordered_json;

Schema list_of(const std::vector<std::string>& names) {
  return {{"type", "array"}, {"minItems", 1}, {"items", {{"type", "string"}, {"enum", names}}}};
}

}  // namespace

Schema suite_schema() {
  Schema set = options_schema(describe_options<eval::SetOptions>());
  set["required"] = {"name"};
  Schema schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                {"title", "suite of chiaro eval, version " + std::string(version())},
                {"type", "object"},
                {"additionalProperties", false},
                {"required", {"set"}}};
  schema["properties"] = {
      {"parent", {{"type", "string"}, {"description", "a suite that this one changes"}}},
      {"metrics", list_of(metrics::metric_names())},
      {"presets", list_of(metrics::preset_names())},
      {"protocol", options_schema(describe_options<metrics::Protocol>())},
      {"set", {{"type", "array"}, {"minItems", 1}, {"items", std::move(set)}}}};
  for (const degrade::Entry& entry : degrade::catalogue()) {
    Schema options = options_schema(entry.options);
    options["description"] = entry.summary;
    schema["$defs"][entry.name] = std::move(options);
  }
  return schema;
}

}  // namespace chiaro::cli
