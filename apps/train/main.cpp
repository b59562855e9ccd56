// chiaro-train: the training wing as a program.
#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <string_view>

#include <c10/util/Exception.h>
#include <CLI/CLI.hpp>

#include "apps/console/ending.h"
#include "apps/console/wrong_arguments.h"
#include "apps/pages/pages.h"
#include "apps/train/commands.h"
#include "apps/train/interruption.h"
#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/base/version.h"

namespace chiaro::apps {
namespace {

constexpr const char* kExitStatuses =
    "Exit status: 0 done, 1 some runs of a study failed, 2 wrong usage or recipe, 3 pictures\n"
    "missing or unreadable, 4 output not writable, 5 checkpoint or bundle damaged or\n"
    "incompatible, 6 resource limit, 7 a check said no, 70 internal error, 130 or 143\n"
    "interrupted.";

/// --quiet and -v, before or behind the subcommand.
struct Telling {
  bool quiet = false;
  bool verbose = false;
};

void add_telling(CLI::App& root, Telling& telling) {
  root.add_flag("--quiet", telling.quiet, "errors only");
  root.add_flag("-v,--verbose", telling.verbose, "more messages");
  root.fallthrough();
  root.parse_complete_callback([&telling] {
    set_up_logging(telling.quiet     ? Verbosity::Quiet
                   : telling.verbose ? Verbosity::Verbose
                                     : Verbosity::Normal);
  });
}

int refused(const std::string& message, bool json) {
  return console::report_error(message, static_cast<int>(ErrorCode::Usage), json);
}

int failed(const std::string& message, bool json) {
  return console::report_error(message, static_cast<int>(ErrorCode::Internal), json);
}

int run_program(int argc, char** argv) {
  const std::span<char*> words(argv, static_cast<std::size_t>(argc));
  const bool json = std::ranges::count(words, std::string_view("--json"),
                                       [](const char* word) { return std::string_view(word); }) > 0;
  CLI::App root(
      "Trains networks that make damaged photographs clear again, and freezes them into bundles.",
      "chiaro-train");
  root.set_version_flag("--version", version());
  root.footer(kExitStatuses);
  root.require_subcommand(1);
  Telling telling;
  add_telling(root, telling);
  add_train(root);
  add_study(root);
  add_freeze(root);
  add_describe(root);
  pages::add_generate(root, "train networks that make damaged photographs clear again");
  try {
    if (const auto message = console::wrong_subcommand(root, words); !message.empty())
      return refused(message, json);
    root.parse(argc, argv);
    return console::with_output(0, json);
  } catch (const CLI::ExtrasError&) {
    return refused(console::unexpected_arguments(root), json);
  } catch (const CLI::Success& asked) {  // --help, --version
    return console::with_output(root.exit(asked), json);
  } catch (const CLI::RequiredError& error) {
    return refused(console::missing_argument(root, error.what()), json);
  } catch (const CLI::ConversionError& error) {
    return refused(console::no_number(error.what()), json);
  } catch (const CLI::ParseError& error) {
    return refused(error.what(), json);
  } catch (const Error& error) {
    const int status =
        error.code() == ErrorCode::Interrupted ? interruption_status() : error.exit_status();
    return console::report_error(error.what(), status, json);
  } catch (const c10::Error& error) {
    return failed(std::string("[libtorch] ") + error.what_without_backtrace(), json);
  } catch (const std::exception& error) {
    return std::ferror(stdout) != 0 ? console::with_output(0, json) : failed(error.what(), json);
  }
}

}  // namespace
}  // namespace chiaro::apps

int main(int argc, char** argv) {
  // A step asks for the same large blocks every time; given back to the system after each use,
  // their pages would be cleared anew, which takes up to a fifth of a step.
  constexpr int kLarge = 1 << 30;
  mallopt(M_MMAP_THRESHOLD, kLarge);
  mallopt(M_TRIM_THRESHOLD, kLarge);
  return chiaro::apps::run_program(argc, argv);
}
