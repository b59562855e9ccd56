// `chiaro compare`: two reports of `chiaro eval --json` or `chiaro score --json`.
#include <cstdio>
#include <memory>

#include "apps/cli/commands.h"
#include "apps/cli/flags.h"
#include "chiaro/base/files.h"
#include "chiaro/eval/compare.h"
#include "chiaro/eval/report.h"

namespace chiaro::cli {
namespace {

struct CompareOptions {
  std::string a;
  std::string b;
  OutputFlags show;
  eval::BootstrapOptions bootstrap;
};

void run(const CompareOptions& options) {
  begin_output(options.show);
  const auto a = eval::parse_report_json(read_text(options.a), options.a);
  const auto b = eval::parse_report_json(read_text(options.b), options.b);
  const auto results = eval::compare(a, b, options.bootstrap);
  const std::string text =
      options.show.json ? eval::comparison_json(results) : eval::comparison_text(results);
  std::fputs(text.c_str(), stdout);
}

}  // namespace

void add_compare(CLI::App& root) {
  auto options = std::make_shared<CompareOptions>();
  CLI::App* command =
      root.add_subcommand("compare", "Compare two score reports picture by picture");
  command->footer(
      "Example:\n"
      "  chiaro compare before.json after.json\n\n"
      "Differences are the second minus the first, with a 95 % interval over scenes. Reports of\n"
      "other pictures or another protocol are refused (exit status 7).");
  command->add_option("a", options->a, "JSON lines of chiaro eval or score")->required();
  command->add_option("b", options->b, "another report on the same pictures")->required();
  add_output_flags(*command, options->show);
  command->add_option("--bootstrap-seed", options->bootstrap.seed, "of the 95 % intervals");
  command->callback([options] { run(*options); });
}

}  // namespace chiaro::cli
