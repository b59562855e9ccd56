// chiaro-train: the training wing as a program.
#include <malloc.h>

#include <cstdlib>
#include <exception>
#include <iostream>

#include <c10/util/Exception.h>
#include <CLI/CLI.hpp>

#include "apps/pages/pages.h"
#include "apps/train/commands.h"
#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/base/version.h"

int main(int argc, char** argv) {
  // A step asks for the same large blocks every time; given back to the system after each use,
  // their pages would be cleared anew, which takes up to a fifth of a step.
  constexpr int kLarge = 1 << 30;
  mallopt(M_MMAP_THRESHOLD, kLarge);
  mallopt(M_TRIM_THRESHOLD, kLarge);
  CLI::App app(
      "Trains networks that make damaged photographs clear again, and freezes them into bundles.",
      "chiaro-train");
  app.set_version_flag("--version", chiaro::version());
  app.footer(
      "Exit status: 0 done, 1 some runs of a study failed, 2 wrong usage or recipe, 3 pictures\n"
      "missing or unreadable, 4 output not writable, 5 checkpoint or bundle damaged or\n"
      "incompatible, 6 resource limit, 7 a check said no, 70 internal error, 130 interrupted.");
  app.require_subcommand(1);
  bool quiet = false;
  bool verbose = false;
  app.add_flag("--quiet", quiet, "errors only");
  app.add_flag("-v,--verbose", verbose, "more messages");
  app.fallthrough();
  app.parse_complete_callback([&] {
    chiaro::set_up_logging(quiet     ? chiaro::Verbosity::Quiet
                           : verbose ? chiaro::Verbosity::Verbose
                                     : chiaro::Verbosity::Normal);
  });
  chiaro::apps::add_train(app);
  chiaro::apps::add_study(app);
  chiaro::apps::add_freeze(app);
  chiaro::apps::add_describe(app);
  chiaro::pages::add_generate(app, "train networks that make damaged photographs clear again");
  try {
    app.parse(argc, argv);
    return EXIT_SUCCESS;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? EXIT_SUCCESS : static_cast<int>(chiaro::ErrorCode::Usage);
  } catch (const chiaro::Error& error) {
    std::cerr << "error: " << error.what() << "\n";
    return error.exit_status();
  } catch (const c10::Error& error) {
    std::cerr << "error: [libtorch] " << error.what_without_backtrace() << "\n";
    return static_cast<int>(chiaro::ErrorCode::Internal);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return static_cast<int>(chiaro::ErrorCode::Internal);
  }
}
