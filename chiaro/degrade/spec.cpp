#include "chiaro/degrade/spec.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"
#include "chiaro/degrade/catalogue.h"

namespace chiaro::degrade {
namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
}

/// Reads the grammar of spec.h from left to right; every error names the place.
class Parser {
 public:
  Parser(std::string_view text, bool is_template) : text_(text), template_(is_template) {}

  std::vector<ChainTemplate::Slot> slots() {
    std::vector<ChainTemplate::Slot> result;
    do {
      result.push_back(slot());
    } while (accept('+'));
    skip_blanks();
    if (at_ < text_.size()) error(at_, fmt::format("unexpected '{}'", text_[at_]));
    return result;
  }

 private:
  [[noreturn]] void error(std::size_t at, const std::string& what) const {
    fail(ErrorCode::Usage, "[degrade.{}] {} at position {} of '{}'",
         template_ ? "parse_template" : "parse_spec", what, at + 1, text_);
  }

  void skip_blanks() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }

  bool accept(char c) {
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::string word(const char* what) {
    skip_blanks();
    const std::size_t begin = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '_')) {
      ++at_;
    }
    if (at_ == begin) error(begin, fmt::format("expected {}", what));
    return std::string(text_.substr(begin, at_ - begin));
  }

  ChainTemplate::Slot slot() {
    ChainTemplate::Slot result;
    do {
      result.choices.push_back(choice());
    } while (template_ && accept('/'));
    if (template_ && accept('?')) {
      skip_blanks();
      const std::size_t begin = at_;
      const OptionValue value = literal();
      const auto* whole = std::get_if<std::int64_t>(&value);
      const auto* real = std::get_if<double>(&value);
      result.probability = real != nullptr ? *real : whole != nullptr ? double(*whole) : -1;
      if (!(result.probability >= 0 && result.probability <= 1)) {
        error(begin, "a probability must be a number from 0 to 1");
      }
    }
    return result;
  }

  ChainTemplate::Choice choice() {
    ChainTemplate::Choice result;
    skip_blanks();
    const std::size_t begin = at_;
    result.name = word("the name of a degradation");
    const auto known = std::find(names().begin(), names().end(), result.name);
    if (known == names().end()) {
      const std::string meant = did_you_mean(result.name, names());
      error(begin, fmt::format("unknown degradation '{}'{}", result.name,
                               meant.empty() ? "; known: " + join(names()) : meant));
    }
    const Entry& entry = find(result.name);
    if (accept('(') && !accept(')')) {
      do {
        option(entry, result);
      } while (accept(','));
      if (!accept(')')) error(at_, "expected ',' or ')'");
    }
    std::ranges::sort(result.stated, {}, [](const auto& pair) { return pair.first; });
    return result;
  }

  void option(const Entry& entry, ChainTemplate::Choice& choice) {
    skip_blanks();
    const std::size_t begin = at_;
    const std::string key = word("the name of an option");
    std::vector<std::string> known;
    for (const FieldInfo& field : entry.options) known.push_back(field.name);
    const auto found = std::find(known.begin(), known.end(), key);
    if (found == known.end()) {
      error(begin,
            fmt::format("{} has no option '{}'{}{}", entry.name, key, did_you_mean(key, known),
                        known.empty() ? "" : "; known: " + join(known)));
    }
    for (const auto& [other, picks] : choice.stated) {
      if (other == key) error(begin, fmt::format("option '{}' is given twice", key));
    }
    if (!accept('=')) error(at_, fmt::format("expected '=' after '{}'", key));
    choice.stated.emplace_back(key, picks(entry, key));
  }

 public:
  std::vector<Pick> picks(const Entry& entry, const std::string& key) {
    std::vector<Pick> result;
    do {
      skip_blanks();
      const std::size_t begin = at_;
      Pick pick{.low = checked(entry, key, literal(), begin)};
      skip_blanks();
      if (template_ && text_.substr(at_, 2) == "..") {
        at_ += 2;
        pick.range = true;
        pick.high = checked(entry, key, literal(), begin);
        pick.logarithmic = accept('~');
        if (pick.logarithmic && word("'log'") != "log") error(begin, "expected 'log' after '~'");
        check_range(pick, begin);
      }
      result.push_back(std::move(pick));
    } while (template_ && accept('|'));
    return result;
  }

 private:
  void check_range(const Pick& pick, std::size_t begin) const {
    double low = 0;
    double high = 0;
    if (const auto* real = std::get_if<double>(&pick.low)) {
      low = *real;
      high = std::get<double>(pick.high);
    } else if (const auto* whole = std::get_if<std::int64_t>(&pick.low)) {
      low = static_cast<double>(*whole);
      high = static_cast<double>(std::get<std::int64_t>(pick.high));
    } else {
      error(begin, "a range needs numbers");
    }
    if (low > high) error(begin, "a range must not fall");
    if (pick.logarithmic && low <= 0) error(begin, "a logarithmic range must be positive");
  }

  /// The value with the type of its field, within its limits.
  OptionValue checked(const Entry& entry, const std::string& key, OptionValue value,
                      std::size_t begin) const {
    try {
      return entry.complete({{key, std::move(value)}}).at(key);
    } catch (const Error& cause) {
      error(begin, cause.what());
    }
  }

  OptionValue literal() {
    skip_blanks();
    const std::size_t begin = at_;
    if (at_ < text_.size() && text_[at_] == '"') {
      const std::size_t end = text_.find('"', at_ + 1);
      if (end == std::string_view::npos) error(begin, "the text is not closed");
      at_ = end + 1;
      return std::string(text_.substr(begin + 1, end - begin - 1));
    }
    while (at_ < text_.size() && text_.substr(at_, 2) != "..") {
      const bool exponent_sign = text_[at_] == '+' && at_ > begin + 1 &&
                                 (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E') &&
                                 (text_[begin] == '-' || text_[begin] == '.' ||
                                  std::isdigit(static_cast<unsigned char>(text_[begin])) != 0);
      if (!is_word(text_[at_]) && !exponent_sign) break;
      ++at_;
    }
    if (at_ == begin) error(begin, "expected a value");
    return parse_value(text_.substr(begin, at_ - begin));
  }

  std::string_view text_;
  bool template_;
  std::size_t at_ = 0;
};

std::string value_text(const OptionValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return to_text(value);
  const bool plain = !text->empty() && std::ranges::all_of(*text, is_word) &&
                     std::holds_alternative<std::string>(parse_value(*text)) &&
                     text->find("..") == std::string::npos;
  return plain ? *text : "\"" + *text + "\"";
}

std::string step_text(const std::string& name,
                      const std::vector<std::pair<std::string, std::string>>& options) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : options) parts.push_back(key + "=" + value);
  return parts.empty() ? name : name + "(" + join(parts, ",") + ")";
}

OptionValue draw_pick(const std::vector<Pick>& picks, Rng& rng) {
  const Pick& pick = picks.size() == 1
                         ? picks[0]
                         : picks[static_cast<std::size_t>(rng.integer(0, std::ssize(picks) - 1))];
  if (!pick.range) return pick.low;
  if (const auto* low = std::get_if<std::int64_t>(&pick.low)) {
    const std::int64_t high = std::get<std::int64_t>(pick.high);
    if (!pick.logarithmic) return rng.integer(*low, high);
    const double drawn = rng.log_uniform(static_cast<double>(*low), static_cast<double>(high) + 1);
    return std::min(static_cast<std::int64_t>(drawn), high);
  }
  const double low = std::get<double>(pick.low);
  const double high = std::get<double>(pick.high);
  return pick.logarithmic ? rng.log_uniform(low, high) : rng.uniform(low, high);
}

}  // namespace

Chain parse_spec(std::string_view text) {
  Chain chain;
  for (const auto& slot : Parser(text, false).slots()) {
    Step step{slot.choices[0].name, {}};
    for (const auto& [key, picks] : slot.choices[0].stated) step.options[key] = picks[0].low;
    chain.push_back(std::move(step));
  }
  return chain;
}

std::string print_spec(const Chain& chain) {
  std::vector<std::string> parts;
  for (const Step& step : chain) {
    std::vector<std::pair<std::string, std::string>> options;
    for (const auto& [key, value] : step.options) options.emplace_back(key, value_text(value));
    parts.push_back(step_text(step.name, options));
  }
  return join(parts, "+");
}

ChainTemplate parse_template(std::string_view text) {
  auto slots = Parser(text, true).slots();
  for (auto& slot : slots) {
    for (auto& choice : slot.choices) {
      const Entry& entry = find(choice.name);
      for (const auto& [option, values] : entry.ranges) {
        const auto same = [&](const auto& pair) { return pair.first == option; };
        if (std::ranges::any_of(choice.stated, same)) continue;
        choice.own.emplace_back(option, Parser(values, true).picks(entry, option));
      }
    }
  }
  return ChainTemplate(std::move(slots));
}

std::string ChainTemplate::text() const {
  std::vector<std::string> parts;
  for (const Slot& slot : slots_) {
    std::vector<std::string> choices;
    for (const Choice& choice : slot.choices) {
      std::vector<std::pair<std::string, std::string>> options;
      for (const auto& [key, picks] : choice.stated) {
        std::vector<std::string> texts;
        for (const Pick& pick : picks) {
          std::string one = value_text(pick.low);
          if (pick.range) one += ".." + value_text(pick.high);
          if (pick.logarithmic) one += "~log";
          texts.push_back(std::move(one));
        }
        options.emplace_back(key, join(texts, "|"));
      }
      choices.push_back(step_text(choice.name, options));
    }
    parts.push_back(join(choices, "/"));
    if (slot.probability < 1) parts.back() += "?" + shortest(slot.probability, false);
  }
  return join(parts, "+");
}

Chain draw(const ChainTemplate& chain_template, Rng& rng) {
  Chain chain;
  for (const auto& slot : chain_template.slots()) {
    if (slot.probability < 1 && !rng.chance(slot.probability)) continue;
    const auto last = std::ssize(slot.choices) - 1;
    const auto& choice =
        slot.choices[last == 0 ? 0 : static_cast<std::size_t>(rng.integer(0, last))];
    OptionTable options;
    for (const auto& [key, picks] : choice.stated) options[key] = draw_pick(picks, rng);
    for (const auto& [key, picks] : choice.own) options[key] = draw_pick(picks, rng);
    chain.push_back({choice.name, find(choice.name).complete(options)});
  }
  return chain;
}

}  // namespace chiaro::degrade
