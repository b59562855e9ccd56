// `chiaro score`: two folders of finished pictures, nothing restored.
#include <memory>

#include "apps/cli/commands.h"
#include "apps/cli/events.h"
#include "apps/cli/measuring.h"
#include "chiaro/eval/suite.h"

namespace chiaro::cli {
namespace {

struct ScoreOptions {
  std::string input;
  std::string target;
  std::string pair;
  std::string name;
  std::size_t limit = 0;
  MeasuringOptions measuring;
};

void run(const ScoreOptions& options) {
  begin_output(options.measuring.show);
  expect_deliverable(options.measuring);
  const auto measures = measures_of(options.measuring);
  const metrics::Learned learned = learned_for(measures, options.measuring.metric_files);
  eval::SetOptions wanted;
  wanted.name = !options.name.empty()     ? options.name
                : !options.target.empty() ? options.target
                                          : options.input;
  wanted.input = options.input;
  wanted.target = options.target;
  wanted.pair = options.pair;
  const auto set = eval::limited(eval::make_set(wanted, {}), options.limit);
  eval::EvaluateOptions evaluate_options;
  evaluate_options.restorer = "finished pictures in " + options.input;
  evaluate_options.bootstrap.seed = options.measuring.bootstrap_seed;
  evaluate_options.learned = &learned;
  const std::vector<eval::Report> reports{
      evaluate_with_bar(set, {}, measures, evaluate_options, options.measuring.show.quiet)};
  deliver(reports, options.measuring);
  if (const int status = tell_unscored(reports); status != 0) throw EndWith{status};
}

}  // namespace

void add_score(CLI::App& root) {
  auto options = std::make_shared<ScoreOptions>();
  CLI::App* command =
      root.add_subcommand("score", "Score finished pictures, against clean ones or alone");
  command->footer(
      "Examples:\n"
      "  chiaro score --input results --target clean --metric psnr,ssim --preset matlab\n"
      "  chiaro score --input photo.jpg --metric niqe,brisque --metric-files DIR\n\n"
      "Pictures are paired by name, never by order; one without a partner is an error. Folders\n"
      "below the two are left aside: score each by itself. A picture that cannot be read is "
      "named,\n"
      "the others are scored, and the exit status is 1.");
  command->add_option("-i,--input", options->input, "folder of finished pictures, or one of them")
      ->required();
  command->add_option("-t,--target", options->target,
                      "folder of clean pictures, or one; niqe and brisque need none");
  command->add_option("--pair", options->pair, "pairing rule such as _lq:_gt (default: automatic)");
  command->add_option("--name", options->name,
                      "name of the set in the report (default: the target folder, else the input)");
  command->add_option("--limit", options->limit, "only the first N pictures");
  add_measuring_options(*command, options->measuring);
  command->callback([options] { run(*options); });
}

}  // namespace chiaro::cli
