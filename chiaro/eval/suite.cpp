#include "chiaro/eval/suite.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "chiaro/base/recipe.h"
#include "chiaro/base/text.h"
#include "chiaro/eval/found_types.h"
#include "chiaro/eval/table.h"

namespace chiaro::eval {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> texts(const Recipe& recipe, const std::string& key,
                               std::vector<std::string> otherwise) {
  const auto found = recipe.values.find(key);
  if (found == recipe.values.end()) return otherwise;
  const auto* list = std::get_if<std::vector<std::string>>(&found->second);
  CHIARO_CHECK(list != nullptr, Usage, "[eval.suite] {} must be a list of texts; got {}", key,
               to_text(found->second));
  return *list;
}

bool has_goal(const SetOptions& set) {
  const auto stated = {set.floor_db,    set.floor_gain_db, set.aim_db,
                       set.aim_gain_db, set.most_worse,    set.least_right};
  return std::any_of(stated.begin(), stated.end(), [](double goal) { return !std::isinf(goal); });
}

/// One that was not stated is infinite, and reached by a mean that is not a number, too.
bool reached(double value, double goal) {
  return std::isinf(goal) || value >= goal;
}

double clearly_worse_share(const Report& report, std::size_t measure) {
  const auto worse = std::ranges::count_if(report.pictures, [&](const auto& picture) {
    return !picture.input.empty() && score_difference(picture.restored.at(measure),
                                                      picture.input.at(measure)) < -kClearlyWorseDb;
  });
  return report.pictures.empty()
             ? 0.0
             : static_cast<double>(worse) / static_cast<double>(report.pictures.size());
}

bool floors_held(const GoalResult& result) {
  const SetOptions& goal = result.goal;
  return reached(result.psnr_db, goal.floor_db) && reached(result.gain_db, goal.floor_gain_db) &&
         result.clearly_worse_share <= goal.most_worse &&
         (!result.right_share || *result.right_share >= goal.least_right);
}

/// Errors: Usage, for goals that can never be judged.
void expect_goals(const SetOptions& set, std::span<const metrics::Measure> measures) {
  CHIARO_CHECK(std::isinf(set.least_right) || !set.type.empty() || !set.degrade.empty(), Usage,
               "[eval.suite] set '{}' has least_right, but neither type nor degrade says what is "
               "right",
               set.name);
  const bool has_psnr = std::ranges::any_of(measures, [](const metrics::Measure& measure) {
    return measure.metric == metrics::Metric::Psnr;
  });
  CHIARO_CHECK(!has_goal(set) || has_psnr, Usage,
               "[eval.suite] set '{}' has goals, but PSNR is not measured", set.name);
}

/// Errors: Input, unless all that the sets need is below `data`.
void expect_layout(const fs::path& file, const fs::path& data,
                   const std::vector<SetOptions>& sets) {
  std::vector<std::string> missing;
  for (const SetOptions& set : sets) {
    for (const std::string& name : {set.input, set.target, set.clean, set.list}) {
      if (!name.empty() && !fs::exists(data / name) &&
          std::ranges::find(missing, name) == missing.end())
        missing.push_back(name);
    }
  }
  CHIARO_CHECK(missing.empty(), Input,
               "[eval.suite] '{}' has not all that '{}' names; expected in it: {}", data.string(),
               file.string(), join(missing));
}

std::string goal_text(double value) {
  return std::isinf(value) ? "-" : fmt::format("{:.2f}", value);
}

std::string share_text(std::optional<double> share) {
  return !share || std::isinf(*share) ? "-" : fmt::format("{:.1f} %", 100 * *share);
}

}  // namespace

Fields<SetOptions> SetOptions::fields() {
  return {
      field("name", &SetOptions::name, "name of the set in tables"),
      field("input", &SetOptions::input, "folder of damaged pictures"),
      field("target", &SetOptions::target, "folder of their clean pictures"),
      field("pair", &SetOptions::pair, "pairing rule such as '_lq:_gt'; empty: automatic"),
      field("list", &SetOptions::list, "file of input<TAB>target lines"),
      field("clean", &SetOptions::clean, "folder of clean pictures to damage"),
      field("degrade", &SetOptions::degrade, "how, e.g. noise(sigma_u8=25)"),
      field("seed", &SetOptions::seed, "of the degradation", {.min = 0}),
      field("type", &SetOptions::type,
            "what a controller should find, as rain or rain+noise; empty: from degrade"),
      field("only", &SetOptions::only, "stems of the clean pictures to keep; empty: all"),
      field("floor_db", &SetOptions::floor_db, "lowest mean PSNR", {.unit = "dB"}),
      field("floor_gain_db", &SetOptions::floor_gain_db, "lowest mean gain over the input",
            {.unit = "dB"}),
      field("aim_db", &SetOptions::aim_db, "mean PSNR to aim for", {.unit = "dB"}),
      field("aim_gain_db", &SetOptions::aim_gain_db, "mean gain over the input to aim for",
            {.unit = "dB"}),
      field("most_worse", &SetOptions::most_worse,
            "most of the pictures, as a share, that may lose more than 0.1 dB against the input",
            {.max = 1}),
      field("least_right", &SetOptions::least_right,
            "least share of pictures of which a controller must name the damage right", {.min = 0}),
  };
}

PairSet make_set(const SetOptions& options, const fs::path& root) {
  const bool folders = !options.input.empty() || !options.target.empty();
  const bool damaged = !options.clean.empty() || !options.degrade.empty();
  const bool listed = !options.list.empty();
  CHIARO_CHECK(folders + damaged + listed == 1 && (!folders || !options.input.empty()) &&
                   (!damaged || (!options.clean.empty() && !options.degrade.empty())),
               Usage,
               "[eval.make_set] set '{}' needs exactly one of: input with target (or alone, for "
               "metrics without a reference), clean with degrade, list",
               options.name);
  PairSet set;
  if (folders && options.target.empty()) {
    set = unpaired(options.name, root / options.input);
  } else if (folders && fs::is_regular_file(root / options.input) &&
             fs::is_regular_file(root / options.target)) {
    set = one_pair(options.name, root / options.input, root / options.target);
  } else if (folders) {
    set = paired_folders(options.name, root / options.input, root / options.target, options.pair);
  } else if (damaged) {
    set = degraded_folder(options.name, root / options.clean, options.degrade,
                          static_cast<std::uint64_t>(options.seed));
  } else {
    set = listed_pairs(options.name, root / options.list);
  }
  return options.only.empty() ? set : keep_targets(std::move(set), options.only);
}

Suite load_suite(const fs::path& file, const fs::path& data, std::size_t limit) {
  const Recipe recipe = load_recipe(file);
  check_recipe_sections(recipe, {"metrics", "presets"}, {"protocol"}, {"set"});
  CHIARO_CHECK(recipe.lists.contains("set"), Usage, "[eval.suite] '{}' has no [[set]]",
               file.string());
  Suite suite;
  suite.measures =
      metrics::measures(texts(recipe, "metrics", {"psnr"}), texts(recipe, "presets", {"chiaro"}),
                        recipe.table("protocol").values);
  std::set<std::string> names;
  std::vector<SetOptions> sets;
  for (const auto& section : recipe.lists.at("set"))
    sets.push_back(parse_options<SetOptions>(section.values, "set"));
  for (const SetOptions& options : sets) {
    CHIARO_CHECK(!options.name.empty(), Usage, "[eval.suite] a set of '{}' has no name",
                 file.string());
    CHIARO_CHECK(names.insert(options.name).second, Usage, "[eval.suite] two sets are called '{}'",
                 options.name);
  }
  expect_layout(file, data, sets);
  for (const SetOptions& options : sets) {
    suite.sets.push_back({limited(make_set(options, data), limit), options});
    expect_targets(suite.sets.back().pairs, suite.measures);
    expect_goals(options, suite.measures);
  }
  return suite;
}

std::vector<GoalResult> check_goals(const Suite& suite, std::span<const Report> reports) {
  std::vector<GoalResult> results;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const SetOptions& goal = suite.sets.at(i).options;
    if (!has_goal(goal)) continue;
    std::size_t measure = 0;
    while (measure < suite.measures.size() &&
           suite.measures[measure].metric != metrics::Metric::Psnr) {
      ++measure;
    }
    CHIARO_CHECK(measure < suite.measures.size(), Usage,
                 "[eval.check_goals] set '{}' has goals in dB, but PSNR is not measured",
                 goal.name);
    const Summary summary = summarize(reports[i], measure);
    const auto types = summarize_types(reports[i]);  // none: no controller to ask anything of
    GoalResult result{.set = goal.name,
                      .psnr_db = summary.restored,
                      .gain_db = summary.gain,
                      .clearly_worse_share = clearly_worse_share(reports[i], measure),
                      .right_share = types ? types->right_or_mild_share : std::nullopt,
                      .goal = goal};
    result.held = floors_held(result);
    result.aimed =
        reached(summary.restored, goal.aim_db) && reached(summary.gain, goal.aim_gain_db);
    results.push_back(std::move(result));
  }
  return results;
}

std::string goals_text(std::span<const GoalResult> goals) {
  std::vector<std::vector<std::string>> rows{{"goals", "psnr", "floor", "aim", "gain", "floor",
                                              "aim", "0.1 dB worse", "most", "right", "least",
                                              "floors", "aims"}};
  for (const auto& goal : goals) {
    rows.push_back({goal.set, metrics::score_text(goal.psnr_db), goal_text(goal.goal.floor_db),
                    goal_text(goal.goal.aim_db), metrics::score_text(goal.gain_db),
                    goal_text(goal.goal.floor_gain_db), goal_text(goal.goal.aim_gain_db),
                    share_text(goal.clearly_worse_share), share_text(goal.goal.most_worse),
                    share_text(goal.right_share), share_text(goal.goal.least_right),
                    goal.held ? "held" : "MISSED", goal.aimed ? "reached" : "not yet"});
  }
  return aligned_table(rows);
}

}  // namespace chiaro::eval
