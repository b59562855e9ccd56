#include "apps/train/study_plan.h"

#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "apps/train/training_recipe.h"
#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/rng.h"
#include "chiaro/base/text.h"
#include "chiaro/checkpoint/run_folder.h"

namespace chiaro::apps {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStartFile = "start.txt";
constexpr const char* kFailureFile = "failure.txt";

/// "section.key" → value in TOML, lists numbered from 1.
void flatten(const Recipe& recipe, const std::string& path,
             std::map<std::string, std::string>& out) {
  for (const auto& [key, value] : recipe.values) out[path + key] = to_text(value);
  for (const auto& [key, sub] : recipe.tables) flatten(sub, path + key + ".", out);
  for (const auto& [key, items] : recipe.lists) {
    for (std::size_t i = 0; i < items.size(); ++i)
      flatten(items[i], fmt::format("{}{}[{}].", path, key, i + 1), out);
  }
}

/// "train.steps is 8, was 4", or "" where the recipes agree.
std::string first_difference(const Recipe& now, const Recipe& then, const char* other) {
  std::map<std::string, std::string> a;
  std::map<std::string, std::string> b;
  flatten(now, "", a);
  flatten(then, "", b);
  std::set<std::string> keys;
  for (const auto& [key, value] : a) keys.insert(key);
  for (const auto& [key, value] : b) keys.insert(key);
  const auto text = [](const std::map<std::string, std::string>& values, const std::string& key) {
    const auto found = values.find(key);
    return found == values.end() ? std::string("not given") : found->second;
  };
  for (const auto& key : keys) {
    if (text(a, key) != text(b, key))
      return fmt::format("{} is {}, {} {}", key, text(a, key), other, text(b, key));
  }
  return "";
}

/// What decides which samples come in which order, and what is measured on.
Recipe data_part(const Recipe& recipe) {
  Recipe part;
  if (recipe.has_table("data")) part.tables["data"] = recipe.table("data");
  if (recipe.has_table("validate")) part.tables["validate"] = recipe.table("validate");
  for (const char* pace : {"workers", "ahead", "cache_mb", "root"})
    part.tables["data"].values.erase(pace);
  if (const auto& train = recipe.table("train").values; train.count("accumulate") > 0)
    part.tables["train"].values["accumulate"] = train.at("accumulate");
  for (const char* list : {"source", "task"}) {
    if (recipe.lists.count(list) > 0) part.lists[list] = recipe.lists.at(list);
  }
  return part;
}

void apply_settings(Recipe& recipe, const std::vector<std::string>& settings,
                    const std::string& who) {
  for (const auto& setting : settings) {
    const std::string key(trim(setting.substr(0, setting.find('='))));
    CHIARO_CHECK(key != "data.seed" && key != "train.seed", Usage,
                 "[study] {} sets {}; the seeds of a study stand in its 'seeds'", who, key);
    set_recipe_value(recipe, setting);
  }
}

/// An override as given: "section.key=value", or "arm:GLOB:section.key=value" for some arms.
struct Override {
  std::string arms;  ///< shell glob
  std::string setting;
};

Override parse_override(const std::string& given) {
  constexpr std::string_view kArm = "arm:";
  if (!given.starts_with(kArm)) return {"*", given};
  const std::string rest = given.substr(kArm.size());
  const auto colon = rest.find(':');
  CHIARO_CHECK(colon != std::string::npos && colon > 0, Usage,
               "[study] --set {}: no setting for these arms; expected 'arm:NAME:section.key=value'",
               given);
  return {rest.substr(0, colon), rest.substr(colon + 1)};
}

bool concerns(const Override& override, const StudyArm& arm) {
  return ::fnmatch(override.arms.c_str(), arm.name.c_str(), 0) == 0;
}

std::vector<std::string> overrides_of(const StudyArm& arm, const std::vector<std::string>& given) {
  std::vector<std::string> settings;
  for (const auto& text : given) {
    const Override one = parse_override(text);
    if (concerns(one, arm)) settings.push_back(one.setting);
  }
  return settings;
}

void check_overrides(const Study& study, const std::vector<std::string>& given) {
  std::vector<std::string> names;
  for (const auto& arm : study.arms) names.push_back(arm.name);
  for (const auto& text : given) {
    const Override one = parse_override(text);
    CHIARO_CHECK(
        std::ranges::any_of(study.arms, [&](const auto& arm) { return concerns(one, arm); }), Usage,
        "[study] --set {}: no arm is called '{}'; expected one of: {}{}", text, one.arms,
        join(names), did_you_mean(one.arms, names));
  }
}

const StudyArm& arm_named(const Study& study, const std::string& name) {
  return *std::ranges::find(study.arms, name, &StudyArm::name);
}

std::string run_id(const std::string& setting, const std::string& arm,
                   const std::optional<double>& fraction, std::int64_t seed) {
  std::string id = setting.empty() ? arm : setting + "/" + arm;
  if (fraction) id += "/" + shortest(*fraction);
  return fmt::format("{}/{}", id, seed);
}

/// An arm with a fraction of its own has only that one.
std::optional<double> own_fraction(const StudyArm& arm, const std::optional<double>& asked) {
  return arm.fraction > 0 ? std::optional<double>(arm.fraction) : asked;
}

StudyRun plan_run(const Study& study, const StudySetting& setting, const StudyArm& arm,
                  const std::optional<double>& asked_fraction, std::int64_t seed,
                  const fs::path& out, const std::vector<std::string>& overrides) {
  const fs::path beside = study.file.parent_path();
  StudyRun run;
  run.setting = setting.name;
  run.arm = arm.name;
  run.fraction = own_fraction(arm, asked_fraction);
  run.seed = seed;
  run.id = run_id(run.setting, run.arm, run.fraction, seed);
  run.folder = out / "runs" / run.id;
  run.recipe_file = beside / (!arm.recipe.empty()       ? arm.recipe
                              : !setting.recipe.empty() ? setting.recipe
                                                        : study.base);
  run.recipe = load_recipe(run.recipe_file);
  for (const auto& [key, items] : setting.lists.lists) run.recipe.lists[key] = items;
  apply_settings(run.recipe, study.set, "the study");
  apply_settings(run.recipe, setting.set, fmt::format("setting '{}'", setting.name));
  apply_settings(run.recipe, arm.set, fmt::format("arm '{}'", arm.name));
  apply_settings(run.recipe, overrides_of(arm, overrides), "--set");
  if (run.fraction) {
    set_recipe_value(run.recipe, fmt::format("{}={}", study.fraction_key, shortest(*run.fraction)));
  }
  set_recipe_value(run.recipe, fmt::format("data.seed={}", seed));
  set_recipe_value(run.recipe, fmt::format("train.seed={}", seed));
  const TrainingRecipe checked = check_training_recipe(run.recipe);
  CHIARO_CHECK(!arm.measured || checked.train.validate_every > 0, Usage,
               "[study] run '{}' has train.validate_every = 0: there is nothing to compare",
               run.id);
  if (const std::string start = starting_arm(arm); !start.empty()) {
    const auto fraction = own_fraction(arm_named(study, start), run.fraction);
    run.start = run_id(setting.name, start, fraction, seed);
    run.starts_from_run = true;
  } else if (!arm.from.empty()) {
    run.start = (beside / arm.from).string();
    CHIARO_CHECK(fs::exists(run.start), Input,
                 "[study] arm '{}' starts from '{}', which is not there", arm.name, run.start);
  }
  return run;
}

void check_same_data(const StudyRun& run, const StudyRun& control) {
  const std::string difference =
      first_difference(data_part(run.recipe), data_part(control.recipe), "in the control's");
  CHIARO_CHECK(
      difference.empty(), Usage,
      "[study] run '{}' would not see the samples of the control: {}; an arm meant so says "
      "own_data = true",
      run.id, difference);
}

std::string start_text(const StudyRun& run) {
  if (run.start.empty()) return "weights drawn from the seed\n";
  if (run.starts_from_run) return fmt::format("run {}\n", run.start);
  return fmt::format("bundle {} ({:016x})\n", fs::path(run.start).filename().string(),
                     stable_hash(read_text(run.start)));
}

bool begun(const StudyRun& run) {
  return !checkpoint::list_checkpoints(run.folder).empty();
}

}  // namespace

std::vector<StudyRun> plan_runs(const Study& study, const fs::path& out,
                                const std::vector<std::string>& overrides) {
  check_overrides(study, overrides);
  std::vector<StudySetting> settings = study.settings;
  if (settings.empty()) settings.emplace_back();
  std::vector<std::optional<double>> fractions(study.fractions.begin(), study.fractions.end());
  if (fractions.empty()) fractions.emplace_back();
  std::vector<StudyRun> runs;
  std::set<std::string> planned;
  for (const auto seed : study.seeds) {
    for (const auto& setting : settings) {
      for (const auto& fraction : fractions) {
        const StudyRun control =
            plan_run(study, setting, study.control(), fraction, seed, out, overrides);
        for (const auto& arm : study.arms) {
          StudyRun run = plan_run(study, setting, arm, fraction, seed, out, overrides);
          if (!planned.insert(run.id).second) continue;
          if (arm.measured && !arm.own_data) check_same_data(run, control);
          runs.push_back(std::move(run));
        }
      }
    }
  }
  return runs;
}

RunProgress progress_of(const StudyRun& run) {
  RunProgress progress;
  progress.steps = check_training_recipe(run.recipe).train.steps;
  const auto checkpoints = checkpoint::list_checkpoints(run.folder);
  if (checkpoints.empty()) return progress;
  progress.step = checkpoints.back().first;
  if (fs::exists(run.folder / kFailureFile)) {
    progress.state = RunState::Failed;
    progress.failure = trim(read_text(run.folder / kFailureFile));
  } else {
    progress.state = progress.step >= progress.steps ? RunState::Finished : RunState::Begun;
  }
  return progress;
}

std::string progress_text(const RunProgress& progress) {
  switch (progress.state) {
    case RunState::Waiting:
      return "waiting";
    case RunState::Begun:
      return fmt::format("at step {} of {}", progress.step, progress.steps);
    case RunState::Finished:
      return "finished";
    case RunState::Failed:
      return fmt::format("failed: {}", progress.failure.substr(0, progress.failure.find('\n')));
  }
  return "";
}

void note_start(const StudyRun& run) {
  std::error_code failure;
  fs::create_directories(run.folder, failure);
  CHIARO_CHECK(!failure, Output, "[study] cannot make '{}': {}", run.folder.string(),
               failure.message());
  if (!begun(run)) write_file_atomically(run.folder / kStartFile, start_text(run));
}

void note_failure(const StudyRun& run, const std::string& why) {
  write_file_atomically(run.folder / kFailureFile, why + "\n");
}

void check_unchanged(const StudyRun& run) {
  if (!begun(run)) return;
  const Recipe then = portable(load_recipe(run.folder / "recipe.toml"));
  const std::string difference = first_difference(portable(run.recipe), then, "was");
  CHIARO_CHECK(difference.empty(), Usage,
               "[study] run '{}' was made by another recipe: {}; --redo {} makes it anew", run.id,
               difference, run.id);
  const auto start_file = run.folder / kStartFile;
  const std::string start = fs::exists(start_file) ? read_text(start_file) : "";
  CHIARO_CHECK(start == start_text(run), Usage,
               "[study] run '{}' started from {}, which would now be {}; --redo {} makes it anew",
               run.id, start.empty() ? "nobody knows what" : trim(start), trim(start_text(run)),
               run.id);
}

std::vector<std::string> forget_runs(const std::vector<StudyRun>& runs, const std::string& name) {
  std::set<std::string> chosen;
  for (const auto& run : runs) {
    if (run.arm == name || run.id == name || run.id.starts_with(name + "/")) chosen.insert(run.id);
  }
  if (chosen.empty()) {
    std::vector<std::string> known;
    for (const auto& run : runs) known.push_back(run.id);
    for (const auto& run : runs) known.push_back(run.arm);
    fail(ErrorCode::Usage, "[study] --redo: no run or arm is called '{}'{}", name,
         did_you_mean(name, known));
  }
  // Starts stand before what starts from them.
  for (const auto& run : runs) {
    if (run.starts_from_run && chosen.contains(run.start)) chosen.insert(run.id);
  }
  std::vector<std::string> removed;
  for (const auto& run : runs) {
    if (!chosen.contains(run.id) || !fs::exists(run.folder)) continue;
    std::error_code failure;
    fs::remove_all(run.folder, failure);
    CHIARO_CHECK(!failure, Output, "[study] cannot remove '{}': {}", run.folder.string(),
                 failure.message());
    removed.push_back(run.id);
  }
  return removed;
}

}  // namespace chiaro::apps
