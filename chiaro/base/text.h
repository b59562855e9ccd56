// Small text services: nearest known name, joining, number formats.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chiaro {

/// The candidate with the smallest edit distance to `name`; where none is close (distance >
/// max(2, length/3)), the only one that begins with it ("sigma": "sigma_u8"), or "".
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

/// " (did you mean 'x'?)" or "".
std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);

/// "a, b, c".
std::string join(std::span<const std::string> parts, std::string_view separator = ", ");

/// The shortest decimal text that reads back as the same double; always with a point or exponent
/// where `as_float`.
std::string shortest(double value, bool as_float = true);

/// Splits at a separator; does not trim; "" gives no parts.
std::vector<std::string> split(std::string_view text, char separator);

/// For a terminal: control characters, of which names of files may hold any, as their pictures
/// (U+2400 and following); line breaks and tabs stay.
std::string without_controls(std::string_view text);

/// Without blanks at both ends.
std::string_view trim(std::string_view text);

}  // namespace chiaro
