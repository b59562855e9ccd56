// `chiaro`: restores pictures, measures, degrades; training is handed to the sibling program.
#include <CLI/CLI.hpp>

#include "apps/cli/commands.h"
#include "chiaro/base/version.h"

int main(int argc, char** argv) {
  CLI::App root("Makes damaged photographs clear again.", "chiaro");
  root.set_version_flag("--version", chiaro::version());
  CLI11_PARSE(root, argc, argv);
  return 0;
}
