// chiaro describe: the catalogues. Degradations are known here; networks and methods are told by
// chiaro-train.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>

#include "apps/cli/commands.h"
#include "apps/cli/events.h"
#include "apps/cli/flags.h"
#include "apps/cli/schema.h"
#include "apps/cli/training_command.h"
#include "apps/console/catalogue_entry.h"
#include "chiaro/base/error.h"
#include "chiaro/base/options.h"
#include "chiaro/base/text.h"
#include "chiaro/degrade/catalogue.h"

namespace chiaro::cli {
namespace {

constexpr int kNotStarted = 127;

struct DescribeArguments {
  std::string what;
  bool schema = false;
  OutputFlags show;
};

/// Runs `chiaro-train describe` and waits. Returns its exit status.
int ask_training_program(const std::filesystem::path& program, const DescribeArguments& arguments,
                         int shown = 0) {
  std::fflush(stdout);
  std::vector<std::string> words = {program.string(), "describe"};
  if (arguments.schema) {
    words.emplace_back("--schema");
  } else if (!arguments.what.empty()) {
    words.push_back(arguments.what);
  }
  words.push_back("--also=degradations," + join(degrade::names(), ","));
  if (arguments.show.json) {
    for (std::string word : {std::string("--json"), "--shown=" + std::to_string(shown)})
      words.push_back(std::move(word));
  }
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t child = ::fork();
  CHIARO_CHECK(child >= 0, Resource, "[cli.describe] cannot start '{}'", program.string());
  if (child == 0) {
    ::execv(pointers[0], pointers.data());
    ::_exit(kNotStarted);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  // Who reads it has had enough; that would have ended this program, too.
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE) std::raise(SIGPIPE);
  CHIARO_CHECK(WIFEXITED(status) && WEXITSTATUS(status) != kNotStarted, Internal,
               "[cli.describe] '{}' could not be started or came to an end before its time",
               program.string());
  return WEXITSTATUS(status);
}

void print_schema(const DescribeArguments& arguments) {
  if (arguments.what.empty() || arguments.what == "suites") {
    fmt::print("{}\n", suite_schema().dump(2));
    return;
  }
  CHIARO_CHECK(arguments.what == "recipes", Usage,
               "[cli.describe] there is no schema of '{}'; expected suites or recipes",
               arguments.what);
  const auto program = training_program();
  CHIARO_CHECK(
      !program.empty(), Usage,
      "[cli.describe] the schema of recipes needs the program chiaro-train beside chiaro; in a "
      "checkout of the source `./run train --help` builds it");
  CHIARO_CHECK(ask_training_program(program, arguments) == 0, Internal,
               "[cli.describe] '{}' gives no schema of recipes", program.string());
}

void run(const DescribeArguments& arguments) {
  begin_output(arguments.show);
  if (arguments.schema) return print_schema(arguments);
  const std::string& what = arguments.what;
  int shown = 0;
  for (const degrade::Entry& entry : degrade::catalogue()) {
    if (!what.empty() && what != "degradations" && what != entry.name) continue;
    console::print_entry({"degradation", entry.name, entry.summary, entry.reference, entry.options},
                         arguments.show.json);
    ++shown;
  }
  const auto program = training_program();
  const bool all_said = shown > 0 && (!what.empty() || program.empty());
  if (all_said && arguments.show.json) print_event("summary", {{"done", shown}});
  if (all_said) return;
  if (program.empty()) {
    std::vector<std::string> known = degrade::names();
    known.emplace_back("degradations");
    fail(ErrorCode::Usage,
         "[cli.describe] no degradation is called '{}'{}; networks and methods, which may be, are "
         "known to the program chiaro-train alone, which is not there (in a checkout of the source "
         "`./run train --help` builds it)",
         what, did_you_mean(what, known));
  }
  // It says itself what is wrong.
  if (const int status = ask_training_program(program, arguments, shown); status != 0)
    throw EndWith{status};
}

}  // namespace

void add_describe(CLI::App& root) {
  auto* command = root.add_subcommand(
      "describe", "Print degradations, networks and methods with their options");
  auto arguments = std::make_shared<DescribeArguments>();
  command->footer(
      "Examples:\n  chiaro describe degradations\n  chiaro describe rain\n  chiaro describe "
      "resunet\n  chiaro describe --schema > suite.schema.json\n  chiaro describe recipes "
      "--schema > recipe.schema.json");
  command->add_option("what", arguments->what,
                      "a name, or degradations, networks or methods; default: everything");
  command->add_flag("--schema", arguments->schema,
                    "JSON Schema of the suites of chiaro eval and of the options of degradations; "
                    "with `recipes`, of the recipes of chiaro train");
  add_output_flags(*command, arguments->show);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace chiaro::cli
