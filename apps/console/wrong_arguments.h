// What is said of a command line that does not fit.
#pragma once

#include <span>
#include <string>

namespace CLI {
class App;
}

namespace chiaro::console {

/// Of arguments that nobody expected, with the nearest option of the subcommand that was chosen.
std::string unexpected_arguments(const CLI::App& root);

/// Of a word in the place of the subcommand that is none; "" where there is nothing to say. words:
/// the command line, the program's name first.
std::string wrong_subcommand(const CLI::App& root, std::span<char* const> words);

/// Of an argument that is missing: what it is, and how the subcommand is called. what: as CLI11
/// says it.
std::string missing_argument(const CLI::App& root, const std::string& what);

/// Of a value that is no number where one belongs. what: as CLI11 says it ("Could not convert:
/// --strength = half").
std::string no_number(const std::string& what);

}  // namespace chiaro::console
