// `chiaro`: restores pictures, measures, degrades; training is handed to the sibling program.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "apps/cli/commands.h"
#include "apps/cli/events.h"
#include "apps/cli/interruption.h"
#include "apps/cli/training_command.h"
#include "apps/pages/pages.h"
#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/base/text.h"
#include "chiaro/base/version.h"

namespace chiaro::cli {
namespace {

constexpr const char* kExitStatuses =
    "Exit status: 0 done, 1 some items failed, 2 wrong usage or recipe, 3 input wrong or "
    "unreadable,\n"
    "4 output not writable, 5 bundle damaged or incompatible, 6 too little memory or time, or a\n"
    "network port that is taken, 7 a check said no, 70 internal error, 130 or 143 interrupted.";

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

/// What to say about arguments nobody expected, with the nearest flag.
std::string unexpected_arguments(const CLI::App& root) {
  const CLI::App* command = chosen(root);
  const auto extras = root.remaining(true);
  const auto flag = std::find_if(extras.begin(), extras.end(),
                                 [](const std::string& word) { return word.starts_with("-"); });
  if (flag == extras.end())
    return fmt::format("unexpected argument '{}'", extras.empty() ? "" : extras.front());
  std::vector<std::string> known;
  for (const CLI::Option* option : command->get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    for (const std::string& name : option->get_snames()) known.push_back("-" + name);
  }
  return fmt::format("unknown option '{}'{}", *flag,
                     did_you_mean(flag->substr(0, flag->find('=')), known));
}

/// The first line of the command's help that shows how it is called; "" where none does.
std::string example_of(const CLI::App& command) {
  std::string start = command.get_name() + " ";
  for (const CLI::App* above = command.get_parent(); above != nullptr; above = above->get_parent())
    start = above->get_name() + " " + start;
  for (const std::string& text : {command.get_footer(), command.get_description()}) {
    for (const std::string& line : split(text, '\n')) {
      if (trim(line).starts_with(start)) return std::string(trim(line));
    }
  }
  return "";
}

/// What the missing argument is, and how the command is called.
std::string missing_argument(const CLI::App& root, const std::string& what) {
  const CLI::App* command = chosen(root);
  std::string text = what;
  for (const CLI::Option* option : command->get_options()) {
    if (what == option->get_name() + " is required") text += ": " + option->get_description();
  }
  const std::string example = example_of(*command);
  return example.empty() ? text : text + "; for example: " + example;
}

int report(const std::string& message, int status, bool json) {
  const std::string text = "error: " + message + "\n";
  std::fputs(text.c_str(), stderr);
  if (json) print_event("error", {{"message", message}, {"exit_status", status}});
  return status;
}

/// `status`, unless what was printed has not all arrived: without it nothing counts as done.
int with_output(int status, bool json) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  return report("cannot write to stdout", static_cast<int>(ErrorCode::Output), json);
}

/// A word in the place of the subcommand that is none: the message, or "" if there is nothing to
/// say.
std::string wrong_subcommand(const CLI::App& root, std::span<char*> words) {
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

int run(int argc, char** argv) {
  const std::span<char*> words(argv, static_cast<std::size_t>(argc));
  const bool json = std::any_of(words.begin(), words.end(), [](const char* word) {
    return std::string_view(word) == "--json";
  });
  set_up_logging(Verbosity::Normal);
  CLI::App root(
      "Makes damaged photographs clear again.\n\nExample:\n  chiaro restore old.jpg -o clear.png",
      "chiaro");
  root.set_version_flag("--version", "chiaro " + version());
  root.footer(kExitStatuses);
  root.require_subcommand(1);
  try {
    if (words.size() > 1 && belongs_to_training(words[1])) become_training_program(argv);
    add_restore(root);
    add_degrade(root);
    add_inspect(root);
    add_retrieve(root);
    add_models(root);
    add_export(root);
    add_bench(root);
    add_describe(root);
    add_eval(root);
    add_score(root);
    add_compare(root);
    add_serve(root);
    add_report(root);
    add_try(root);
    add_training(root);
    pages::add_generate(root, "make damaged photographs clear again");
    if (const std::string message = wrong_subcommand(root, words); !message.empty()) {
      return report(message, static_cast<int>(ErrorCode::Usage), json);
    }
    root.parse(argc, argv);
    // All is written. What remains would be to take libraries and networks apart in order, which
    // takes longer than it takes the system to drop them.
    const int status = with_output(0, json);
    std::fflush(nullptr);
    std::_Exit(status);
  } catch (const CLI::ExtrasError&) {
    return report(unexpected_arguments(root), static_cast<int>(ErrorCode::Usage), json);
  } catch (const CLI::Success& asked) {  // --help, --version
    return with_output(root.exit(asked), json);
  } catch (const CLI::RequiredError& error) {
    return report(missing_argument(root, error.what()), static_cast<int>(ErrorCode::Usage), json);
  } catch (const CLI::ParseError& error) {
    return report(error.what(), static_cast<int>(ErrorCode::Usage), json);
  } catch (const EndWith& end) {
    return with_output(end.status, json);
  } catch (const Error& error) {
    const int status =
        error.code() == ErrorCode::Interrupted ? interruption_status() : error.exit_status();
    return report(error.what(), status, json);
  } catch (const std::bad_alloc&) {
    return report("not enough memory; --max-memory sets a limit to work within",
                  static_cast<int>(ErrorCode::Resource), json);
  } catch (const std::exception& error) {
    const bool unprinted = std::ferror(stdout) != 0;  // as fmt says it
    return unprinted ? with_output(0, json)
                     : report(std::string("internal error: ") + error.what(),
                              static_cast<int>(ErrorCode::Internal), json);
  }
}

}  // namespace
}  // namespace chiaro::cli

int main(int argc, char** argv) {
  return chiaro::cli::run(argc, argv);
}
