#include "chiaro/losses/by_name.h"

#include <algorithm>
#include <charconv>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"
#include "chiaro/losses/charbonnier.h"
#include "chiaro/losses/l1.h"

namespace chiaro::losses {
namespace {

struct Named {
  const char* name;
  at::Tensor (*function)(const at::Tensor& output, const at::Tensor& target);
};

const Named kLosses[] = {
    {"l1", l1},
    {"charbonnier", [](const at::Tensor& o, const at::Tensor& t) { return charbonnier(o, t); }},
};

WeightedLoss parse_term(std::string_view term) {
  WeightedLoss result;
  const auto number = std::from_chars(term.data(), term.data() + term.size(), result.weight);
  if (number.ec == std::errc()) term.remove_prefix(static_cast<std::size_t>(number.ptr - term.data()));
  term = trim(term);
  if (!term.empty() && term.front() == '*') term = trim(term.substr(1));
  result.name = term;
  CHIARO_CHECK(result.weight > 0, Usage, "[losses.parse] weight of '{}' must be positive; got {}", result.name, result.weight);
  for (const auto& known : kLosses) {
    if (result.name == known.name) result.function = known.function;
  }
  const auto names = pixel_loss_names();
  CHIARO_CHECK(result.function != nullptr, Usage, "[losses.parse] unknown loss '{}'{}; known: {}", result.name,
               did_you_mean(result.name, names), join(names));
  return result;
}

}  // namespace

std::vector<std::string> pixel_loss_names() {
  std::vector<std::string> names;
  for (const auto& known : kLosses) names.emplace_back(known.name);
  return names;
}

std::vector<WeightedLoss> parse_loss_terms(std::string_view text) {
  std::vector<WeightedLoss> terms;
  for (const auto& part : split(text, '+')) {
    WeightedLoss term = parse_term(trim(part));
    for (const auto& known : terms) {
      CHIARO_CHECK(known.name != term.name, Usage, "[losses.parse] '{}' is named twice; got '{}'", term.name, text);
    }
    terms.push_back(std::move(term));
  }
  CHIARO_CHECK(!terms.empty(), Usage, "[losses.parse] no loss is named; expected e.g. 'charbonnier + 0.05 frequency'");
  return terms;
}

}  // namespace chiaro::losses
