#include "apps/console/wrong_arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <CLI/CLI.hpp>
#include <vector>

#include "chiaro/base/text.h"

namespace chiaro::console {
namespace {

bool listed(const CLI::App* entry) {
  return !entry->get_group().empty();
}

std::vector<std::string> subcommand_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* entry : app.get_subcommands(listed)) {
    names.push_back(entry->get_name());
  }
  return names;
}

/// The subcommand the command line chose, at any depth.
const CLI::App* chosen(const CLI::App& app) {
  const auto below = app.get_subcommands();
  return below.empty() ? &app : chosen(*below.front());
}

void add_options(const CLI::App& command, std::vector<std::string>& names) {
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
}

/// What may be given behind a subcommand: its own options, and those it leaves to the one above.
std::vector<std::string> known_options(const CLI::App& command) {
  std::vector<std::string> names;
  add_options(command, names);
  for (const CLI::App* at = &command; at->get_fallthrough() && at->get_parent() != nullptr;
       at = at->get_parent())
    add_options(*at->get_parent(), names);
  return names;
}

/// "chiaro models list ": how people call a subcommand, whichever of the programs has it.
std::string call_of(const CLI::App& command) {
  if (command.get_parent() == nullptr) return "chiaro ";
  return call_of(*command.get_parent()) + command.get_name() + " ";
}

/// The first line of the command's help that shows how it is called; "" where none does.
std::string example_of(const CLI::App& command) {
  const std::string start = call_of(command);
  for (const std::string& text : {command.get_footer(), command.get_description()}) {
    for (const std::string& line : split(text, '\n')) {
      if (trim(line).starts_with(start)) return std::string(trim(line));
    }
  }
  return "";
}

}  // namespace

std::string unexpected_arguments(const CLI::App& root) {
  const auto extras = root.remaining(true);
  const auto flag = std::find_if(extras.begin(), extras.end(),
                                 [](const std::string& word) { return word.starts_with("-"); });
  if (flag == extras.end())
    return fmt::format("unexpected argument '{}'", extras.empty() ? "" : extras.front());
  return fmt::format("unknown option '{}'{}", *flag,
                     did_you_mean(flag->substr(0, flag->find('=')), known_options(*chosen(root))));
}

std::string wrong_subcommand(const CLI::App& root, std::span<char* const> words) {
  if (words.size() < 2 || words[1][0] == '-') return "";
  const auto known = subcommand_names(root);
  const std::string word = words[1];
  const auto all = root.get_subcommands([](const CLI::App*) { return true; });
  if (std::any_of(all.begin(), all.end(),
                  [&](const CLI::App* entry) { return entry->get_name() == word; }))
    return "";
  return fmt::format("there is no subcommand '{}'{}; known: {}", word, did_you_mean(word, known),
                     join(known));
}

std::string missing_argument(const CLI::App& root, const std::string& what) {
  const CLI::App* command = chosen(root);
  if (what == "A subcommand is required") {
    const std::string name = command == &root ? "" : " " + command->get_name();
    return "which command? '" + root.get_name() + name + " --help' lists them";
  }
  std::string text = what;
  for (const CLI::Option* option : command->get_options()) {
    if (what == option->get_name() + " is required") text += ": " + option->get_description();
  }
  const std::string example = example_of(*command);
  return example.empty() ? text : text + "; for example: " + example;
}

std::string no_number(const std::string& what) {
  const auto option = what.find("--");
  const auto equals = what.find(" = ", option == std::string::npos ? 0 : option);
  if (option == std::string::npos || equals == std::string::npos) return what;
  return fmt::format("{}: got '{}'; expected a number", what.substr(option, equals - option),
                     what.substr(equals + 3));
}

}  // namespace chiaro::console
