// Options are plain aggregates with defaults and one field list. The list drives parsing, printing,
// range checks and `chiaro describe`:
//
//   struct JpegOptions {
//     std::int64_t quality = 30;
//     static Fields<JpegOptions> fields() {
//       return {field("quality", &JpegOptions::quality, "quality of the codec", {.min = 1, .max =
//       100})};
//     }
//   };
//   const auto options = parse_options<JpegOptions>(table, "jpeg");   // unknown key: Error naming
//   the nearest one
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "chiaro/base/error.h"

namespace chiaro {

/// A value of an option. Integers are accepted where a double is expected; nothing else converts.
using OptionValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>,
                                 std::vector<double>, std::vector<std::string>>;

/// Keys with values, in alphabetical order.
using OptionTable = std::map<std::string, OptionValue, std::less<>>;

/// "25.0", "true", "\"text\"", "[1, 2]": the TOML form.
std::string to_text(const OptionValue& value);

/// Reads the form of to_text; a bare word is taken as text. Errors: Usage.
OptionValue parse_value(std::string_view text);

/// Range, unit and choices of a field; all optional.
struct FieldLimits {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  std::string unit = {};
  std::vector<std::string> choices = {};
};

/// What `describe` prints of one field.
struct FieldInfo {
  std::string name;
  std::string help;
  OptionValue default_value;
  FieldLimits limits;
};

/// One field of the aggregate T, type-erased.
template <typename T>
struct Field {
  std::string name;
  std::string help;
  FieldLimits limits;
  std::function<OptionValue(const T&)> get;
  std::function<void(T&, const OptionValue&, const std::string& where)> set;
};

template <typename T>
using Fields = std::vector<Field<T>>;

namespace detail {

template <typename V>
struct StoredAs {
  using type = V;
};
template <>
struct StoredAs<int> {
  using type = std::int64_t;
};
template <>
struct StoredAs<float> {
  using type = double;
};

[[noreturn]] void wrong_type(const std::string& where, const OptionValue& got,
                             const char* expected);
void check_limits(const std::string& where, const OptionValue& value, const FieldLimits& limits);
[[noreturn]] void unknown_key(const std::string& context, const std::string& key,
                              const std::vector<std::string>& known);
OptionValue convert_numbers(const OptionValue& value, const OptionValue& like);

template <typename V>
constexpr const char* type_name() {
  using S = typename StoredAs<V>::type;
  if constexpr (std::is_same_v<S, bool>) return "true or false";
  if constexpr (std::is_same_v<S, std::int64_t>) return "an integer";
  if constexpr (std::is_same_v<S, double>) return "a number";
  if constexpr (std::is_same_v<S, std::string>) return "text";
  return "a list";
}

/// Errors: Usage.
void check_fits_int(const std::string& where, std::int64_t value);

}  // namespace detail

/// Makes a field from a pointer to member. V: bool, int, int64, float, double, string or a vector
/// of int64, double, string.
template <typename T, typename V>
Field<T> field(std::string name, V T::*member, std::string help, FieldLimits limits = {}) {
  using Stored = typename detail::StoredAs<V>::type;
  return Field<T>{
      name, std::move(help), limits,
      [member](const T& options) { return OptionValue(static_cast<Stored>(options.*member)); },
      [member, limits](T& options, const OptionValue& value, const std::string& where) {
        const OptionValue converted = detail::convert_numbers(value, OptionValue(Stored{}));
        const auto* stored = std::get_if<Stored>(&converted);
        if (stored == nullptr) detail::wrong_type(where, value, detail::type_name<V>());
        detail::check_limits(where, converted, limits);
        if constexpr (std::is_same_v<V, int>) detail::check_fits_int(where, *stored);
        options.*member = static_cast<V>(*stored);
      }};
}

/// Defaults overridden by the table. Errors: Usage, naming `context` and the key (unknown, wrong
/// type, out of range).
template <typename T>
T parse_options(const OptionTable& table, const std::string& context) {
  T options{};
  const auto fields = T::fields();
  for (const auto& [key, value] : table) {
    const Field<T>* found = nullptr;
    for (const auto& candidate : fields) {
      if (candidate.name == key) found = &candidate;
    }
    if (found == nullptr) {
      std::vector<std::string> known;
      for (const auto& candidate : fields) known.push_back(candidate.name);
      detail::unknown_key(context, key, known);
    }
    found->set(options, value, context + "." + key);
  }
  return options;
}

/// Every field with its value: parse_options(print_options(x)) == x.
template <typename T>
OptionTable print_options(const T& options) {
  OptionTable table;
  for (const auto& entry : T::fields()) table[entry.name] = entry.get(options);
  return table;
}

/// The field list with defaults, for `chiaro describe` and generated documentation.
template <typename T>
std::vector<FieldInfo> describe_options() {
  std::vector<FieldInfo> infos;
  const T defaults{};
  for (const auto& entry : T::fields())
    infos.push_back({entry.name, entry.help, entry.get(defaults), entry.limits});
  return infos;
}

}  // namespace chiaro
