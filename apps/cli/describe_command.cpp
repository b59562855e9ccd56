// chiaro describe: the catalogues. Degradations are known here; networks and methods are told by
// chiaro-train.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <memory>

#include "apps/cli/commands.h"
#include "apps/cli/events.h"
#include "apps/cli/flags.h"
#include "apps/cli/schema.h"
#include "apps/cli/training_command.h"
#include "chiaro/base/error.h"
#include "chiaro/base/options.h"
#include "chiaro/base/text.h"
#include "chiaro/degrade/catalogue.h"

namespace chiaro::cli {
namespace {

struct DescribeArguments {
  std::string what;
  bool schema = false;
  OutputFlags show;
};

std::string range_text(const FieldLimits& limits) {
  std::string text;
  if (!limits.choices.empty()) text = "one of " + join(limits.choices);
  const auto bound = [](double value) {
    return std::isfinite(value) ? shortest(value, false) : std::string();
  };
  if (std::isfinite(limits.min) || std::isfinite(limits.max))
    text += bound(limits.min) + ".." + bound(limits.max);
  if (!limits.unit.empty()) text += (text.empty() ? "" : " ") + limits.unit;
  return text;
}

void print_degradation(const degrade::Entry& entry, bool json) {
  if (json) {
    Json options = Json::array();
    for (const FieldInfo& option : entry.options) {
      options.push_back({{"name", option.name},
                         {"default", to_text(option.default_value)},
                         {"range", range_text(option.limits)},
                         {"help", option.help}});
    }
    print_event("entry", {{"kind", "degradation"},
                          {"name", entry.name},
                          {"summary", entry.summary},
                          {"reference", entry.reference},
                          {"options", std::move(options)}});
    return;
  }
  fmt::print("{} (degradation)\n  {}\n  {}\n", entry.name, entry.summary, entry.reference);
  for (const FieldInfo& option : entry.options) {
    const std::string range = range_text(option.limits);
    fmt::print("    {} = {}{}\n        {}\n", option.name, to_text(option.default_value),
               range.empty() ? "" : "  [" + range + "]", option.help);
  }
}

/// Runs `chiaro-train describe` and waits. Returns its exit status.
int ask_training_program(const std::filesystem::path& program, const DescribeArguments& arguments) {
  std::fflush(stdout);
  std::vector<std::string> words = {program.string(), "describe"};
  if (arguments.schema) {
    words.emplace_back("--schema");
  } else if (!arguments.what.empty()) {
    words.push_back(arguments.what);
  }
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t child = ::fork();
  CHIARO_CHECK(child >= 0, Resource, "[cli.describe] cannot start '{}'", program.string());
  if (child == 0) {
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : static_cast<int>(ErrorCode::Internal);
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
  CHIARO_CHECK(!program.empty(), Usage,
               "[cli.describe] the schema of recipes needs the program chiaro-train beside chiaro");
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
    print_degradation(entry, arguments.show.json);
    ++shown;
  }
  if (arguments.show.json) {
    CHIARO_CHECK(shown > 0, Usage, "[cli.describe] no degradation is called '{}'{}", what,
                 did_you_mean(what, degrade::names()));
    print_event("summary", {{"done", shown}});
    return;
  }
  if (shown > 0 && !what.empty()) return;
  const auto program = training_program();
  if (program.empty()) {
    std::vector<std::string> known = degrade::names();
    known.emplace_back("degradations");
    CHIARO_CHECK(what.empty(), Usage,
                 "[cli.describe] nothing is called '{}' here{}; networks and methods need the "
                 "program chiaro-train "
                 "beside chiaro",
                 what, did_you_mean(what, known));
    return;
  }
  const int status = ask_training_program(program, arguments);
  CHIARO_CHECK(status == 0, Usage, "[cli.describe] nothing is called '{}'{}", what,
               did_you_mean(what, degrade::names()));
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
