#include "chiaro/base/options.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "chiaro/base/text.h"

namespace chiaro {
namespace {

/// A TOML basic string.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

/// The reverse of quoted, given what stands between the quotation marks.
std::string unquoted(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
    } else if (text[i + 1] == 'u' && i + 5 < text.size() &&
               std::from_chars(&text[i + 2], &text[i + 2] + 4, code, 16).ptr == &text[i + 2] + 4 &&
               code < 0x80) {
      out += static_cast<char>(code);
      i += 5;
    } else {
      out += text[++i];
    }
  }
  return out;
}

/// The parts of a list, split at commas outside quotation marks.
std::vector<std::string> list_parts(std::string_view text) {
  std::vector<std::string> parts;
  if (trim(text).empty()) return parts;
  parts.emplace_back();
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (inside && text[i] == '\\' && i + 1 < text.size()) {
      parts.back() += text[i++];
    } else if (text[i] == '"') {
      inside = !inside;
    } else if (text[i] == ',' && !inside) {
      parts.emplace_back();
      continue;
    }
    parts.back() += text[i];
  }
  return parts;
}

template <typename V, typename Print>
std::string list_text(const std::vector<V>& values, Print print) {
  std::vector<std::string> parts;
  for (const auto& value : values) parts.push_back(print(value));
  return "[" + join(parts) + "]";
}

OptionValue parse_scalar(std::string_view text) {
  text = trim(text);
  if (text == "true") return true;
  if (text == "false") return false;
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    return unquoted(text.substr(1, text.size() - 2));
  std::int64_t integer = 0;
  auto result = std::from_chars(text.data(), text.data() + text.size(), integer);
  if (result.ec == std::errc() && result.ptr == text.data() + text.size()) return integer;
  double number = 0;
  result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec == std::errc() && result.ptr == text.data() + text.size()) return number;
  return std::string(text);
}

}  // namespace

std::string to_text(const OptionValue& value) {
  struct Printer {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return std::to_string(v); }
    std::string operator()(double v) const { return shortest(v); }
    std::string operator()(const std::string& v) const { return quoted(v); }
    std::string operator()(const std::vector<std::int64_t>& v) const {
      return list_text(v, [](auto x) { return std::to_string(x); });
    }
    std::string operator()(const std::vector<double>& v) const {
      return list_text(v, [](auto x) { return shortest(x); });
    }
    std::string operator()(const std::vector<std::string>& v) const { return list_text(v, quoted); }
  };
  return std::visit(Printer{}, value);
}

OptionValue parse_value(std::string_view text) {
  text = trim(text);
  if (text.empty() || text.front() != '[') return parse_scalar(text);
  CHIARO_CHECK(text.back() == ']', Usage, "[base.parse_value] list is not closed; got '{}'", text);
  std::vector<std::int64_t> integers;
  std::vector<double> numbers;
  std::vector<std::string> texts;
  const auto parts = list_parts(text.substr(1, text.size() - 2));
  for (const auto& part : parts) {
    const OptionValue item = parse_scalar(part);
    if (const auto* i = std::get_if<std::int64_t>(&item)) {
      integers.push_back(*i);
      numbers.push_back(static_cast<double>(*i));
    } else if (const auto* d = std::get_if<double>(&item)) {
      numbers.push_back(*d);
    } else if (const auto* s = std::get_if<std::string>(&item)) {
      texts.push_back(*s);
    }
  }
  if (integers.size() == parts.size()) return integers;
  if (numbers.size() == parts.size()) return numbers;
  CHIARO_CHECK(texts.size() == parts.size(), Usage, "[base.parse_value] list mixes types; got '{}'",
               text);
  return texts;
}

namespace detail {

void wrong_type(const std::string& where, const OptionValue& got, const char* expected) {
  fail(ErrorCode::Usage, "[options] {} has the wrong type; got {}; expected {}", where,
       to_text(got), expected);
}

void check_fits_int(const std::string& where, std::int64_t value) {
  using Limits = std::numeric_limits<int>;
  CHIARO_CHECK(value >= Limits::min() && value <= Limits::max(), Usage,
               "[options] {} is out of range; got {}; expected {} to {}", where, value,
               Limits::min(), Limits::max());
}

void check_limits(const std::string& where, const OptionValue& value, const FieldLimits& limits) {
  const auto check_number = [&](double number) {
    CHIARO_CHECK(std::isfinite(number) && number >= limits.min && number <= limits.max, Usage,
                 "[options] {} is out of range; got {}; expected {} to {}{}", where,
                 shortest(number, false), shortest(limits.min, false), shortest(limits.max, false),
                 limits.unit.empty() ? "" : " " + limits.unit);
  };
  const auto check_choice = [&](const std::string& text) {
    if (limits.choices.empty() ||
        std::count(limits.choices.begin(), limits.choices.end(), text) > 0)
      return;
    fail(ErrorCode::Usage, "[options] {} is not a known choice; got '{}'; expected one of {}{}",
         where, text, join(limits.choices), did_you_mean(text, limits.choices));
  };
  if (const auto* i = std::get_if<std::int64_t>(&value)) check_number(static_cast<double>(*i));
  if (const auto* d = std::get_if<double>(&value)) check_number(*d);
  if (const auto* s = std::get_if<std::string>(&value)) check_choice(*s);
  if (const auto* is = std::get_if<std::vector<std::int64_t>>(&value)) {
    for (const auto i : *is) check_number(static_cast<double>(i));
  }
  if (const auto* ds = std::get_if<std::vector<double>>(&value)) {
    for (const auto d : *ds) check_number(d);
  }
  if (const auto* ss = std::get_if<std::vector<std::string>>(&value)) {
    for (const auto& s : *ss) check_choice(s);
  }
}

void unknown_key(const std::string& context, const std::string& key,
                 const std::vector<std::string>& known) {
  if (known.empty())
    fail(ErrorCode::Usage, "[options] {} takes no options; got '{}'", context, key);
  fail(ErrorCode::Usage, "[options] {} has no option '{}'{}; known: {}", context, key,
       did_you_mean(key, known), join(known));
}

OptionValue convert_numbers(const OptionValue& value, const OptionValue& like) {
  if (std::holds_alternative<double>(like)) {
    if (const auto* i = std::get_if<std::int64_t>(&value)) return static_cast<double>(*i);
  }
  if (const auto* is = std::get_if<std::vector<std::int64_t>>(&value)) {
    if (std::holds_alternative<std::vector<double>>(like))
      return std::vector<double>(is->begin(), is->end());
    if (is->empty() && std::holds_alternative<std::vector<std::string>>(like))
      return std::vector<std::string>{};
  }
  return value;
}

}  // namespace detail
}  // namespace chiaro
