#include "apps/schema/options_schema.h"

#include <cmath>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace chiaro::schema {
namespace {

using Schema = nlohmann::ordered_json;

Schema type_schema(const OptionValue& value) {
  return std::visit(
      [](const auto& stored) -> Schema {
        using V = std::decay_t<decltype(stored)>;
        if constexpr (std::is_same_v<V, bool>) return {{"type", "boolean"}};
        if constexpr (std::is_same_v<V, std::int64_t>) return {{"type", "integer"}};
        if constexpr (std::is_same_v<V, double>) return {{"type", "number"}};
        if constexpr (std::is_same_v<V, std::string>) return {{"type", "string"}};
        if constexpr (std::is_same_v<V, std::vector<std::int64_t>>)
          return {{"type", "array"}, {"items", {{"type", "integer"}}}};
        if constexpr (std::is_same_v<V, std::vector<double>>)
          return {{"type", "array"}, {"items", {{"type", "number"}}}};
        return {{"type", "array"}, {"items", {{"type", "string"}}}};
      },
      value);
}

/// Numbers that JSON has none for are left out.
void put_default(Schema& schema, const OptionValue& value) {
  std::visit(
      [&schema](const auto& stored) {
        using V = std::decay_t<decltype(stored)>;
        if constexpr (std::is_same_v<V, double>) {
          if (std::isfinite(stored)) schema["default"] = stored;
        } else {
          schema["default"] = stored;
        }
      },
      value);
}

Schema option_schema(const FieldInfo& option) {
  Schema schema = type_schema(option.default_value);
  Schema& limited = schema["type"] == "array" ? schema["items"] : schema;
  const FieldLimits& limits = option.limits;
  if (!limits.choices.empty()) limited["enum"] = limits.choices;
  if (std::isfinite(limits.min)) limited["minimum"] = limits.min;
  if (std::isfinite(limits.max)) limited["maximum"] = limits.max;
  put_default(schema, option.default_value);
  schema["description"] = limits.unit.empty() ? option.help : option.help + ", in " + limits.unit;
  return schema;
}

}  // namespace

Schema options_schema(std::span<const FieldInfo> options) {
  Schema schema{{"type", "object"}, {"additionalProperties", false}};
  schema["properties"] = Schema::object();
  for (const FieldInfo& option : options) schema["properties"][option.name] = option_schema(option);
  return schema;
}

}  // namespace chiaro::schema
