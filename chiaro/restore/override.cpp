#include "chiaro/restore/override.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"

namespace chiaro::restore {
namespace {

StatedDamage parse_one(std::string_view part, std::string_view whole) {
  const auto open = part.find('(');
  StatedDamage damage{std::string(trim(part.substr(0, open)))};
  const bool closed = open == std::string_view::npos || part.ends_with(')');
  CHIARO_CHECK(!damage.type.empty() && closed, Usage,
               "[restore.as] cannot read the damage; got '{}'; expected something like "
               "'rain(0.6)+noise(0.2)'",
               whole);
  if (open == std::string_view::npos) {
    if (damage.type == bundle::kCleanType) damage.severity = 0;
    return damage;
  }
  CHIARO_CHECK(damage.type != bundle::kCleanType, Usage,
               "[restore.as] 'clean' has no severity; got '{}'", whole);
  const auto number = trim(part.substr(open + 1, part.size() - open - 2));
  const auto [end, failed] =
      std::from_chars(number.data(), number.data() + number.size(), damage.severity);
  CHIARO_CHECK(failed == std::errc() && end == number.data() + number.size() &&
                   damage.severity >= 0 && damage.severity <= 1,
               Usage,
               "[restore.as] impossible severity of {}; got '{}'; expected 0 to 1, and + between "
               "several damages",
               damage.type, number);
  return damage;
}

}  // namespace

std::vector<StatedDamage> parse_stated_damages(std::string_view text) {
  std::vector<StatedDamage> stated;
  const auto parts = split(text, '+');
  CHIARO_CHECK(!parts.empty(), Usage,
               "[restore.as] no damage is stated; expected something like 'rain(0.6)+noise(0.2)'");
  for (const std::string& part : parts) {
    StatedDamage damage = parse_one(trim(part), text);
    const bool twice = std::any_of(stated.begin(), stated.end(), [&](const StatedDamage& other) {
      return other.type == damage.type;
    });
    CHIARO_CHECK(!twice, Usage, "[restore.as] '{}' is stated twice; got '{}'", damage.type, text);
    stated.push_back(std::move(damage));
  }
  const bool with_clean = std::any_of(stated.begin(), stated.end(), [](const StatedDamage& damage) {
    return damage.type == bundle::kCleanType;
  });
  CHIARO_CHECK(!with_clean || stated.size() == 1, Usage,
               "[restore.as] 'clean' stands alone; got '{}'", text);
  return stated;
}

std::vector<float> stated_condition(const std::vector<StatedDamage>& stated,
                                    const bundle::ConditionInfo& info) {
  CHIARO_CHECK(!stated.empty(), Usage, "[restore.as] no damage is stated");
  std::vector<float> condition(static_cast<std::size_t>(info.width()), 0.0F);
  for (const StatedDamage& damage : stated) {
    const auto found = std::find(info.types.begin(), info.types.end(), damage.type);
    CHIARO_CHECK(found != info.types.end(), Usage,
                 "[restore.as] the bundle does not know '{}'{}; it knows {}", damage.type,
                 did_you_mean(damage.type, info.types), join(info.types));
    const auto place = static_cast<std::size_t>(found - info.types.begin());
    condition[place] = 1.0F / static_cast<float>(stated.size());
    condition[info.types.size() + place] = static_cast<float>(damage.severity);
  }
  return condition;
}

std::string stated_text(const std::vector<StatedDamage>& stated) {
  std::vector<std::string> parts;
  for (const StatedDamage& damage : stated) {
    parts.push_back(damage.type == bundle::kCleanType
                        ? damage.type
                        : fmt::format("{}({})", damage.type, damage.severity));
  }
  return join(parts, "+");
}

}  // namespace chiaro::restore
