// `chiaro eval`: restores the pictures of one set or of a suite and scores them.
#include <cstdlib>
#include <memory>

#include "apps/cli/commands.h"
#include "apps/cli/eval_page.h"
#include "apps/cli/events.h"
#include "apps/cli/flags.h"
#include "apps/cli/interruption.h"
#include "apps/cli/measuring.h"
#include "chiaro/base/files.h"
#include "chiaro/base/text.h"
#include "chiaro/eval/found_types.h"
#include "chiaro/eval/suite.h"
#include "chiaro/restore/restorer.h"

namespace chiaro::cli {
namespace {

constexpr const char* kEvalHelp =
    "Examples:\n"
    "  chiaro eval --input rainy --target clean --metric psnr,ssim\n"
    "  chiaro eval --clean photos --degrade 'noise(sigma_u8=25)' --seed 1\n"
    "  chiaro eval --input damaged --metric niqe,brisque --metric-files DIR\n"
    "  chiaro eval --clean photos --degrade rain --degrade 'rain+noise' --report out.html\n"
    "  chiaro eval --suite recipes/eval/bench.toml --data DIR\n\n"
    "Every folder of a set holds its pictures directly. A suite names folders below DIR:\n"
    "that of recipes/eval/bench.toml CBSD68 (clean pictures), and input and target in each of\n"
    "Rain100L, LOL_eval15 and SOTS_indoor_part; what is missing is named (docs/evaluating.md).\n\n"
    "Prints means with 95 % intervals, the untouched input's scores, and how many pictures\n"
    "became worse. A picture that fails is named, the others are scored, and the exit status is 1.";

struct EvalOptions {
  EngineFlags engine;
  eval::SetOptions set;
  std::vector<std::string> degrade;
  std::string suite;
  std::string data;
  std::string page;
  std::size_t worst = 4;
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
  const bool unnamed = set.name.empty();
  if (unnamed) {
    for (const std::string* name : {&set.target, &set.clean, &set.list, &set.input}) {
      if (set.name.empty()) set.name = *name;
    }
  }
  eval::Suite suite;
  suite.measures = measures_of(options.measuring);
  const auto add = [&](const eval::SetOptions& one) {
    suite.sets.push_back({eval::limited(eval::make_set(one, options.data), options.limit), one});
  };
  if (options.degrade.empty()) add(set);
  for (const std::string& spec : options.degrade) {
    eval::SetOptions one = set;
    one.degrade = spec;
    // So that one damage finds its like in a report of several (chiaro compare).
    if (unnamed || options.degrade.size() > 1) one.name += ", " + spec;
    add(one);
  }
  return suite;
}

/// What a controller should find in the pictures of a set; empty where that is not known. A suite
/// is for bundles of all kinds: one may lack the type that is stated there.
std::vector<std::string> expected_types(const eval::SuiteSet& set, bool of_suite,
                                        const std::vector<std::string>& known) {
  if (!set.options.type.empty()) {
    try {
      return eval::stated_types(set.options.type, known);
    } catch (const Error& error) {
      if (!of_suite) throw;
      spdlog::warn("{}: {}", set.options.name, error.what());
      return {};
    }
  }
  if (set.pairs.degradation.empty()) return {};
  return eval::types_of_spec(set.pairs.degradation, known);
}

/// Pixels; what fits on a screen three times.
constexpr int kCaseSide = 256;

void expect_page(const EvalOptions& options) {
  if (options.page.empty()) return;
  const std::filesystem::path page(options.page);
  CHIARO_CHECK(page.extension() == ".html" || page.extension() == ".htm", Usage,
               "[cli.eval] the report is a web page; got '{}'; expected a name that ends in .html",
               options.page);
  expect_writable(page, true);
}

/// What is measured, for the report.
std::string restorer_text(const EvalOptions& options, const restore::Restorer& restorer,
                          const restore::RestoreOptions& how) {
  const std::string text =
      fmt::format("{} ({})", options.engine.bundle, engine::precision_name(restorer.precision()));
  return how.stated ? text + ", not blind: as " + restore::stated_text(*how.stated) : text;
}

/// Reports of all sets, and where a page is wanted, their worst cases.
struct Evaluated {
  std::vector<eval::Report> reports;
  std::vector<std::vector<eval::WorstCase>> worst;
};

Evaluated evaluate_sets(const EvalOptions& options, const eval::Suite& suite,
                        const eval::RestoreFunction& restore, eval::EvaluateOptions how,
                        const std::vector<std::vector<std::string>>& types) {
  Evaluated all;
  const auto& first = suite.measures.front();
  const bool lower = metrics::lower_is_better(metrics::fingerprint(first.metric, first.protocol));
  for (const auto& set : suite.sets) {
    spdlog::info("{}: {} pictures", set.pairs.name, set.pairs.entries.size());
    eval::WorstCases cases(options.worst, kCaseSide, lower);
    if (!options.page.empty()) {
      how.seen = [&cases](const auto& scores, const auto& pair, const auto& restored) {
        cases.look(scores, pair, restored);
      };
    }
    how.types = types[all.reports.size()];
    all.reports.push_back(
        evaluate_with_bar(set.pairs, restore, suite.measures, how, options.measuring.show.quiet));
    all.worst.push_back(cases.cases());
  }
  return all;
}

void run(const EvalOptions& options) {
  begin_output(options.measuring.show);
  expect_page(options);
  expect_deliverable(options.measuring);
  const eval::Suite suite = suite_of(options);
  const engine::EngineOptions engine = engine_options(options.engine);
  const metrics::Learned learned =
      learned_for(suite.measures, options.measuring.metric_files, engine);
  restore::Restorer restorer = restore::open_restorer(options.engine.bundle, engine);
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
  evaluate_options.restorer = restorer_text(options, restorer, restore_options);
  evaluate_options.bootstrap.seed = options.measuring.bootstrap_seed;
  evaluate_options.learned = &learned;
  std::vector<std::vector<std::string>> types;  // wrong ones stop before the work
  for (const auto& set : suite.sets)
    types.push_back(condition ? expected_types(set, !options.suite.empty(), condition->types)
                              : std::vector<std::string>());
  const auto [reports, worst] = evaluate_sets(options, suite, restore, evaluate_options, types);
  if (!options.page.empty())
    write_file_atomically(options.page, report_html(eval_page(reports, worst)));
  const auto goals = eval::check_goals(suite, reports);
  deliver(reports, options.measuring, goals.empty() ? "" : "\n" + eval::goals_text(goals));
  std::vector<std::string> missed;
  for (const auto& goal : goals) {
    if (!goal.held) missed.push_back("'" + goal.set + "'");
  }
  const bool below = options.check && !missed.empty();
  if (const int status = tell_unscored(reports); status != 0) {
    if (below) spdlog::error("below their floors: {}", join(missed));
    throw EndWith{status};
  }
  CHIARO_CHECK(!below, CheckFailed, "[cli.eval] below their floors: {}", join(missed));
}

void add_set_options(CLI::App& command, eval::SetOptions& set) {
  command.add_option("-i,--input", set.input, "folder of damaged pictures, or one picture");
  command.add_option("-t,--target", set.target,
                     "folder of their clean pictures; niqe and brisque need none");
  command.add_option("--pair", set.pair, "pairing rule such as _lq:_gt (default: automatic)");
  command.add_option("--clean", set.clean, "folder of clean pictures, damaged by --degrade");
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
  CLI::App* command =
      root.add_subcommand("eval", "Restore pictures and score them against clean ones");
  command->footer(kEvalHelp);
  add_engine_flags(*command, options->engine);
  add_set_options(*command, options->set);
  command
      ->add_option("--degrade", options->degrade,
                   "how, e.g. 'noise(sigma_u8=25)'; given several times, each is a set of its own")
      ->type_name("SPEC")
      ->allow_extra_args(false);
  CLI::Option* suite = command->add_option(
      "--suite", options->suite, "TOML file of several sets; states metrics and protocol");
  command->add_option(
      "--data", options->data,
      "the folder in which the folders of the sets lie (suites: or CHIARO_BENCH_DIR)");
  command->add_option("--limit", options->limit, "only the first N pictures of each set");
  command
      ->add_option("--report", options->page,
                   "a web page of its own: the table, and parts of the pictures that gained least")
      ->type_name("NAME.html");
  command->add_option("--worst", options->worst, "how many of them, of each set")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
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
