// `chiaro`: restores pictures, measures, degrades; training is handed to the sibling program.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <span>
#include <string>

#include "apps/cli/commands.h"
#include "apps/cli/events.h"
#include "apps/cli/interruption.h"
#include "apps/cli/training_command.h"
#include "apps/console/ending.h"
#include "apps/console/wrong_arguments.h"
#include "apps/pages/pages.h"
#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/base/version.h"

namespace chiaro::cli {
namespace {

constexpr const char* kExitStatuses =
    "Exit status: 0 done, 1 some items failed, 2 wrong usage or recipe, 3 input wrong or "
    "unreadable,\n"
    "4 output not writable, 5 bundle damaged or incompatible, 6 too little memory or time, or a\n"
    "network port that is taken, 7 a check said no, 70 internal error, 130 or 143 interrupted.";

using console::missing_argument;
using console::no_number;
using console::report_error;
using console::unexpected_arguments;
using console::with_output;
using console::wrong_subcommand;

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
      return report_error(message, static_cast<int>(ErrorCode::Usage), json);
    }
    root.parse(argc, argv);
    // All is written. What remains would be to take libraries and networks apart in order, which
    // takes longer than it takes the system to drop them.
    const int status = with_output(0, json);
    std::fflush(nullptr);
    std::_Exit(status);
  } catch (const CLI::ExtrasError&) {
    return report_error(unexpected_arguments(root), static_cast<int>(ErrorCode::Usage), json);
  } catch (const CLI::Success& asked) {  // --help, --version
    return with_output(root.exit(asked), json);
  } catch (const CLI::RequiredError& error) {
    return report_error(missing_argument(root, error.what()), static_cast<int>(ErrorCode::Usage),
                        json);
  } catch (const CLI::ConversionError& error) {
    return report_error(no_number(error.what()), static_cast<int>(ErrorCode::Usage), json);
  } catch (const CLI::ParseError& error) {
    return report_error(error.what(), static_cast<int>(ErrorCode::Usage), json);
  } catch (const EndWith& end) {
    return with_output(end.status, json);
  } catch (const Error& error) {
    // What was being read or written when a signal came may complain of just that.
    const bool stopped = error.code() == ErrorCode::Interrupted || interrupted();
    const int status = stopped ? interruption_status() : error.exit_status();
    return report_error(error.what(), status, json);
  } catch (const std::bad_alloc&) {
    return report_error("not enough memory; --max-memory sets a limit to work within",
                        static_cast<int>(ErrorCode::Resource), json);
  } catch (const std::exception& error) {
    const bool unprinted = std::ferror(stdout) != 0;  // as fmt says it
    return unprinted ? with_output(0, json)
                     : report_error(std::string("internal error: ") + error.what(),
                                    static_cast<int>(ErrorCode::Internal), json);
  }
}

}  // namespace
}  // namespace chiaro::cli

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error, told and tidied up
  return chiaro::cli::run(argc, argv);
}
