// `chiaro eval`: restores the pictures of one set or of a suite and scores them.
#include <cstdlib>
#include <memory>

#include "apps/cli/commands.h"
#include "apps/cli/flags.h"
#include "apps/cli/interruption.h"
#include "apps/cli/measuring.h"
#include "chiaro/base/text.h"
#include "chiaro/eval/found_types.h"
#include "chiaro/eval/suite.h"
#include "chiaro/restore/restorer.h"

namespace chiaro::cli {
namespace {

struct EvalOptions {
  EngineFlags engine;
  eval::SetOptions set;
  std::string suite;
  std::string data;
  std::size_t limit = 0;
  bool check = false;
  std::string guard = "soft";
  std::string stated;
  restore::RestoreOptions restore;
  MeasuringOptions measuring;
};

std::filesystem::path data_folder(const EvalOptions& options) {
  if (!options.data.empty()) return options.data;
  const char* variable = std::getenv("CHIARO_BENCH_DIR");
  CHIARO_CHECK(
      variable != nullptr, Usage,
      "[cli.eval] where are the suite's pictures? expected --data DIR or CHIARO_BENCH_DIR, the "
      "folder in which the folders named in the suite lie (docs/evaluating.md)");
  return variable;
}

eval::Suite suite_of(const EvalOptions& options) {
  if (!options.suite.empty()) {
    return eval::load_suite(options.suite, data_folder(options), options.limit);
  }
  eval::SetOptions set = options.set;
  if (set.name.empty()) {
    set.name = !set.target.empty() ? set.target : !set.clean.empty() ? set.clean : set.list;
  }
  eval::Suite suite;
  suite.measures = measures_of(options.measuring);
  suite.sets.push_back({eval::limited(eval::make_set(set, options.data), options.limit), set});
  return suite;
}

/// What a controller should find in the pictures of a set; empty where that is not known.
std::vector<std::string> expected_types(const eval::SuiteSet& set,
                                        const std::vector<std::string>& known) {
  if (!set.options.type.empty()) return eval::stated_types(set.options.type, known);
  if (set.pairs.degradation.empty()) return {};
  return eval::types_of_spec(set.pairs.degradation, known);
}

void run(const EvalOptions& options) {
  begin_output(options.measuring.show);
  const eval::Suite suite = suite_of(options);
  restore::Restorer restorer =
      restore::open_restorer(options.engine.bundle, engine_options(options.engine));
  restore::RestoreOptions restore_options = options.restore;
  restore_options.guard = restore::parse_guard_mode(options.guard);
  if (!options.stated.empty())
    restore_options.stated = restore::parse_stated_damages(options.stated);
  const auto& condition = restorer.manifest().condition;
  const eval::RestoreFunction restore = [&](const image::Image& input) {
    restore::RestoreReport seen;
    auto restored = restorer.restore(
        input, restore_options, [](double) { return !interrupted(); }, &seen);
    return eval::Restored(std::move(restored),
                          seen.inspection ? condition->types[seen.inspection->top()] : "");
  };
  eval::EvaluateOptions evaluate_options;
  evaluate_options.restorer =
      fmt::format("{} ({})", options.engine.bundle, engine::precision_name(restorer.precision()));
  if (restore_options.stated) {
    evaluate_options.restorer += ", not blind: as " + restore::stated_text(*restore_options.stated);
  }
  evaluate_options.bootstrap.seed = options.measuring.bootstrap_seed;

  std::vector<std::vector<std::string>> types;  // wrong ones stop before the work
  for (const auto& set : suite.sets)
    types.push_back(condition ? expected_types(set, condition->types) : std::vector<std::string>());
  std::vector<eval::Report> reports;
  for (const auto& set : suite.sets) {
    spdlog::info("{}: {} pictures", set.pairs.name, set.pairs.entries.size());
    evaluate_options.types = types[reports.size()];
    reports.push_back(evaluate_with_bar(set.pairs, restore, suite.measures, evaluate_options,
                                        options.measuring.show.quiet));
  }
  const auto goals = eval::check_goals(suite, reports);
  deliver(reports, options.measuring, goals.empty() ? "" : "\n" + eval::goals_text(goals));
  std::vector<std::string> missed;
  for (const auto& goal : goals) {
    if (!goal.held) missed.push_back("'" + goal.set + "'");
  }
  CHIARO_CHECK(!options.check || missed.empty(), CheckFailed, "[cli.eval] below their floors: {}",
               join(missed));
}

void add_set_options(CLI::App& command, eval::SetOptions& set) {
  command.add_option("-i,--input", set.input, "folder of damaged pictures");
  command.add_option("-t,--target", set.target, "folder of their clean pictures");
  command.add_option("--pair", set.pair, "pairing rule such as _lq:_gt (default: automatic)");
  command.add_option("--clean", set.clean, "folder of clean pictures, damaged by --degrade");
  command.add_option("--degrade", set.degrade, "how, e.g. 'noise(sigma_u8=25)'");
  command.add_option("--seed", set.seed, "of the damage")->check(CLI::NonNegativeNumber);
  command.add_option("--type", set.type,
                     "what a controller should find, e.g. rain (default: what --degrade says)");
  command.add_option("--list", set.list, "file of input<TAB>target lines");
  command.add_option("--name", set.name,
                     "name of the set in the report (default: its folder of clean pictures)");
}

}  // namespace

void add_eval(CLI::App& root) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App* command = root.add_subcommand(
      "eval",
      "Restores pictures and scores them against clean ones.\n\n"
      "  chiaro eval --input rainy --target clean --metric psnr,ssim\n"
      "  chiaro eval --clean photos --degrade 'noise(sigma_u8=25)' --seed 1\n"
      "  chiaro eval --suite recipes/eval/bench.toml --data DIR\n\n"
      "Every folder of a set holds its pictures directly. A suite names folders "
      "below DIR:\nthat of recipes/eval/bench.toml CBSD68 (clean pictures), and "
      "input and target in each of\nRain100L, LOL_eval15 and SOTS_indoor_part; "
      "what is missing is named (docs/evaluating.md).\n\n"
      "Prints means with 95 % intervals, the untouched input's scores, and how "
      "many pictures became worse.");
  add_engine_flags(*command, options->engine);
  add_set_options(*command, options->set);
  CLI::Option* suite = command->add_option(
      "--suite", options->suite, "TOML file of several sets; states metrics and protocol");
  command->add_option(
      "--data", options->data,
      "the folder in which the folders of the sets lie (suites: or CHIARO_BENCH_DIR)");
  command->add_option("--limit", options->limit, "only the first N pictures of each set");
  command->add_flag("--check", options->check, "exit status 7 when a floor of the suite is missed");
  command->add_option("--tile", options->restore.tile_px, "side of a tile in px; 0: automatic");
  command->add_option("--overlap", options->restore.overlap_px, "overlap of tiles; -1: automatic");
  command->add_option("--strength", options->restore.strength, "0 leaves the picture, 1 restores");
  command->add_option("--guard", options->guard, "off, soft or strict, as for restore")
      ->capture_default_str();
  command->add_option("--as", options->stated,
                      "what is wrong, as for restore; the report says that this is not blind");
  add_measuring_options(*command, options->measuring);
  for (const char* name :
       {"--input", "--target", "--pair", "--clean", "--degrade", "--seed", "--type", "--list",
        "--name", "--metric", "--preset", "--channel", "--border", "--protocol"}) {
    suite->excludes(command->get_option(name));
  }
  command->callback([options] { run(*options); });
}

}  // namespace chiaro::cli
