#include "apps/pages/pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <CLI/CLI.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "chiaro/base/text.h"
#include "chiaro/base/version.h"

namespace chiaro::pages {
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

constexpr std::array<std::pair<const char*, const char*>, 6> kEnvironment{
    {{"CHIARO_BUNDLE_PATH", "folders, separated by colons, in which bundles are looked for first"},
     {"CHIARO_CACHE", "folder of prepared graphs, or off; else ~/.cache/chiaro"},
     {"CHIARO_DATA_DIR", "folder of pictures for recipes that --data does not name one for"},
     {"CHIARO_METRIC_DIR", "folder of the weights of learned metrics"},
     {"CHIARO_SERVE_TOKEN", "what clients of chiaro serve have to say"},
     {"NO_COLOR", "set: messages without colours"}}};

void print_manual(const CLI::App& root, const std::string& purpose) {
  const std::string name = roff(root.get_name());
  std::string title = name;
  std::ranges::transform(title, title.begin(), [](unsigned char c) { return std::toupper(c); });
  fmt::print(".TH {} 1 \"\" \"chiaro {}\" \"User Commands\"\n", title, roff(version()));
  fmt::print(".SH NAME\n{} \\- {}\n", name, roff(purpose));
  fmt::print(".SH SYNOPSIS\n.B {}\n\\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n", name);
  fmt::print(".SH DESCRIPTION\n.nf\n{}\n.fi\n", roff(root.get_description()));
  for (const CLI::Option* option : options(root)) print_option(*option);
  fmt::print(".SH COMMANDS\n");
  for (const CLI::App* command : subcommands(root)) print_command(*command, command->get_name());
  if (!root.get_footer().empty())
    fmt::print(".SH EXIT STATUS\n.nf\n{}\n.fi\n", roff(root.get_footer()));
  fmt::print(".SH ENVIRONMENT\n");
  for (const auto& [variable, meaning] : kEnvironment)
    fmt::print(".TP\n.B {}\n{}\n", roff(variable), roff(meaning));
  fmt::print(".SH SEE ALSO\n{}(1) where it is installed, and README.md and docs/ of the package\n",
             roff(root.get_name() == "chiaro" ? "chiaro-train" : "chiaro"));
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
  const std::string& name = root.get_name();
  std::string function = "_" + name;
  std::ranges::replace(function, '-', '_');
  fmt::print(
      "# Completion of {} for bash.\n"
      "{}_words() {{\n"
      "  below='' flags=''\n"
      "  case \"$1\" in\n",
      name, function);
  print_words(root, "");
  fmt::print(
      "  esac\n"
      "}}\n"
      "{0}() {{\n"
      "  local path='' below flags word current=${{COMP_WORDS[COMP_CWORD]}}\n"
      "  {0}_words ''\n"
      "  for word in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do\n"
      "    [[ \" $below \" == *\" $word \"* ]] || continue\n"
      "    path+=\" $word\"\n"
      "    {0}_words \"$path\"\n"
      "  done\n"
      "  COMPREPLY=()\n"
      "  if [[ $current == -* ]]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$flags\" -- \"$current\")\n"
      "  elif [[ -n $below ]]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$below\" -- \"$current\")\n"
      "  fi\n"
      "}}\n"
      "complete -o bashdefault -o default -F {0} {1}\n",
      function, name);
}

}  // namespace

void add_generate(CLI::App& root, const std::string& purpose) {
  auto* command = root.add_subcommand("generate", "Print the manual page or the completion");
  command->group("");
  command->require_subcommand(1);
  command->add_subcommand("manual", "the manual page, for man")->callback([&root, purpose] {
    print_manual(root, purpose);
  });
  command->add_subcommand("completion", "the completion, for bash")->callback([&root] {
    print_completion(root);
  });
}

}  // namespace chiaro::pages
