// chiaro restore: pictures in, better pictures out.
#include <memory>
#include <string>

#include "apps/cli/commands.h"
#include "apps/cli/restore_arguments.h"
#include "chiaro/base/error.h"
#include "chiaro/base/log.h"

namespace chiaro::cli {
namespace {

constexpr const char* kRestoreExample =
    "Examples:\n"
    "  chiaro restore old.jpg -o clear.png\n"
    "  chiaro restore scan.tif clear.tif --strength 0.7 --max-memory 1G\n"
    "  chiaro restore photos -o restored --skip-existing\n"
    "  chiaro restore a.jpg more 'scans/*.tif' -o out --name '{stem}_{bundle}.{ext}'\n"
    "  cat in.png | chiaro restore - -o - > out.png";

/// An interrupt says what became of the result.
void restore_one_or_nothing(RestoreArguments& arguments) {
  try {
    restore_one(arguments);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Interrupted) throw;
    fail(ErrorCode::Interrupted, "[cli.restore] stopped by a signal; {} not written",
         arguments.output == "-" ? "the picture was" : "'" + arguments.output + "' was");
  }
}

}  // namespace

void add_restore(CLI::App& root) {
  auto* command = root.add_subcommand("restore", "Restore pictures");
  auto arguments = std::make_shared<RestoreArguments>();
  command->footer(kRestoreExample);
  add_restore_flags(*command, *arguments);
  command->callback([arguments] {
    begin_output(arguments->show);
    settle(*arguments);
    if (arguments->ensemble && !arguments->dry_run)
      spdlog::info("--ensemble restores each picture eight times: it takes eight times as long");
    if (means_many(*arguments)) {
      restore_many(*arguments);
    } else {
      restore_one_or_nothing(*arguments);
    }
  });
}

}  // namespace chiaro::cli
