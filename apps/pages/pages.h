// The manual page and the completion of a program's command line.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace chiaro::pages {

/// Adds the subcommand `generate`, for packaging and not in the list of --help: `generate manual`
/// prints the manual page, `generate completion` that of bash, both out of the very definitions
/// that
/// --help prints. purpose: what the program does, as the page's NAME says it. The name of `root` is
/// the program's; its footer, if there is one, the EXIT STATUS.
void add_generate(CLI::App& root, const std::string& purpose);

}  // namespace chiaro::pages
