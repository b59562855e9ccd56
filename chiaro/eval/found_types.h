// How often a controller names the right degradation.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chiaro::eval {

struct Report;

/// The types a controller should name for pictures damaged by `spec` (chiaro/degrade), among those
/// it knows: the names of the spec's steps, kinds of blur as "blur", poisson_gaussian as "noise".
/// Empty where it cannot be right: a step that none of its types stands for. Errors: Usage (spec).
std::vector<std::string> types_of_spec(const std::string& spec, std::span<const std::string> known);

/// "rain" or "rain+noise", as a set or the command line states it. Errors: Usage (a type that is
/// not known, naming the nearest).
std::vector<std::string> stated_types(std::string_view text, std::span<const std::string> known);

struct TypeSummary {
  std::map<std::string, std::size_t> found;  ///< pictures by the type that was named
  /// Named one of the expected types; nothing expected: not set.
  std::optional<double> right_share;
  /// The same, where "clean" is right, too, of the tenth of the pictures whose inputs have the
  /// highest PSNR.
  std::optional<double> right_or_mild_share;
};

/// Nothing where no controller looked at the pictures.
std::optional<TypeSummary> summarize_types(const Report& report);

/// A row per set: what was expected (any of it), how often it was named, what was named; and one of
/// all pictures of which it is known. "" where no controller looked.
std::string types_text(std::span<const Report> reports);

}  // namespace chiaro::eval
