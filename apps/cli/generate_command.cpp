// chiaro generate: the manual page and the completion of the shell, out of the very definitions
// that --help prints. For packaging; not in the list of subcommands.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "apps/cli/commands.h"
#include "chiaro/base/text.h"
#include "chiaro/base/version.h"

namespace chiaro::cli {
namespace {

std::vector<const CLI::App*> subcommands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* entry) { return !entry->get_group().empty(); });
}

std::vector<const CLI::Option*> options(const CLI::App& app) {
  auto all = app.get_options();
  std::erase_if(all, [](const CLI::Option* option) { return option->get_group().empty(); });
  return all;
}

/// "-o", "--output"; none for a positional.
std::vector<std::string> flags(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

/// Text as roff prints it: what would be a command or an escape is no longer one.
std::string roff(std::string_view text) {
  std::string safe;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins = i == 0 || text[i - 1] == '\n';
    if (begins && (text[i] == '.' || text[i] == '\'')) safe += "\\&";
    if (text[i] == '\\') {
      safe += "\\e";
    } else if (text[i] == '-') {
      safe += "\\-";
    } else {
      safe += text[i];
    }
  }
  return safe;
}

void print_option(const CLI::Option& option) {
  const auto names = flags(option);
  std::string head = names.empty() ? option.get_name(true) : join(names);
  const bool takes_value = option.get_items_expected_max() > 0;
  fmt::print(
      ".TP\n\\fB{}\\fR{}\n{}{}\n", roff(head),
      takes_value && !names.empty() ? fmt::format(" \\fI{}\\fR", roff(option.get_type_name())) : "",
      roff(option.get_description()),
      option.get_default_str().empty()
          ? ""
          : fmt::format(" (default: {})", roff(option.get_default_str())));
}

void print_command(const CLI::App& command, const std::string& name) {
  fmt::print(".SS {}\n{}\n", roff(name), roff(command.get_description()));
  for (const CLI::Option* option : options(command)) print_option(*option);
  if (!command.get_footer().empty()) fmt::print(".PP\n.nf\n{}\n.fi\n", roff(command.get_footer()));
  for (const CLI::App* below : subcommands(command))
    print_command(*below, name + " " + below->get_name());
}

void print_manual(const CLI::App& root) {
  fmt::print(".TH CHIARO 1 \"\" \"chiaro {}\" \"User Commands\"\n", roff(version()));
  fmt::print(".SH NAME\nchiaro \\- make damaged photographs clear again\n");
  fmt::print(".SH SYNOPSIS\n.B chiaro\n\\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n");
  fmt::print(".SH DESCRIPTION\n.nf\n{}\n.fi\n", roff(root.get_description()));
  for (const CLI::Option* option : options(root)) print_option(*option);
  fmt::print(".SH COMMANDS\n");
  for (const CLI::App* command : subcommands(root)) print_command(*command, command->get_name());
  fmt::print(".SH EXIT STATUS\n.nf\n{}\n.fi\n", roff(root.get_footer()));
}

/// One line of the table in the shell function: the words that may follow `path`.
void print_words(const CLI::App& app, const std::string& path) {
  std::vector<std::string> below;
  std::vector<std::string> all;
  for (const CLI::App* command : subcommands(app)) below.push_back(command->get_name());
  for (const CLI::Option* option : options(app)) {
    for (const std::string& name : flags(*option)) all.push_back(name);
  }
  fmt::print("    '{}') below='{}' flags='{}' ;;\n", path, fmt::join(below, " "),
             fmt::join(all, " "));
  for (const CLI::App* command : subcommands(app))
    print_words(*command, path + " " + command->get_name());
}

void print_completion(const CLI::App& root) {
  fmt::print(
      "# Completion of chiaro for bash.\n"
      "_chiaro_words() {{\n"
      "  below='' flags=''\n"
      "  case \"$1\" in\n");
  print_words(root, "");
  fmt::print(
      "  esac\n"
      "}}\n"
      "_chiaro() {{\n"
      "  local path='' below flags word current=${{COMP_WORDS[COMP_CWORD]}}\n"
      "  _chiaro_words ''\n"
      "  for word in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do\n"
      "    [[ \" $below \" == *\" $word \"* ]] || continue\n"
      "    path+=\" $word\"\n"
      "    _chiaro_words \"$path\"\n"
      "  done\n"
      "  COMPREPLY=()\n"
      "  if [[ $current == -* ]]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$flags\" -- \"$current\")\n"
      "  elif [[ -n $below ]]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$below\" -- \"$current\")\n"
      "  fi\n"
      "}}\n"
      "complete -o bashdefault -o default -F _chiaro chiaro\n");
}

}  // namespace

void add_generate(CLI::App& root) {
  auto* command = root.add_subcommand("generate", "Print the manual page or the completion");
  command->group("");
  command->require_subcommand(1);
  command->add_subcommand("manual", "the manual page, for man")->callback([&root] {
    print_manual(root);
  });
  command->add_subcommand("completion", "the completion, for bash")->callback([&root] {
    print_completion(root);
  });
}

}  // namespace chiaro::cli
