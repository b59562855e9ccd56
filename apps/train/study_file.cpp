#include "apps/train/study_file.h"

#include <algorithm>
#include <set>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"

namespace chiaro::apps {
namespace {

constexpr std::string_view kArmPrefix = "arm:";

/// Names become folders and cells of tables.
void check_name(const std::string& name, const char* kind) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  CHIARO_CHECK(!name.empty() && name.front() != '.' && std::ranges::all_of(name, fits), Usage,
               "[study] the name of {} cannot be a folder's; got '{}'; expected letters, digits, "
               "'_', '-' and '.'",
               kind, name);
}

template <typename Named>
void check_names(const std::vector<Named>& all, const char* kind) {
  std::set<std::string> seen;
  for (const auto& one : all) {
    check_name(one.name, kind);
    CHIARO_CHECK(seen.insert(one.name).second, Usage, "[study] two {}s are called '{}'", kind,
                 one.name);
  }
}

template <typename Value>
void check_distinct(std::vector<Value> values, const char* what) {
  std::ranges::sort(values);
  const auto twice = std::ranges::adjacent_find(values);
  if (twice != values.end()) {
    fail(ErrorCode::Usage, "[study] {} holds {} twice", what, *twice);
  }
}

/// Depth-first: an arm follows what it starts from.
void place(const std::vector<StudyArm>& arms, std::size_t number, std::vector<int>& marks,
           std::vector<StudyArm>& ordered) {
  constexpr int kOpen = 1;
  constexpr int kDone = 2;
  if (marks[number] == kDone) return;
  CHIARO_CHECK(marks[number] != kOpen, Usage, "[study] arm '{}' starts from itself, in a circle",
               arms[number].name);
  marks[number] = kOpen;
  if (const std::string start = starting_arm(arms[number]); !start.empty()) {
    const auto found = std::ranges::find(arms, start, &StudyArm::name);
    if (found == arms.end()) {
      std::vector<std::string> names;
      for (const auto& arm : arms) names.push_back(arm.name);
      fail(ErrorCode::Usage, "[study] arm '{}' starts from an unknown arm '{}'{}; known: {}",
           arms[number].name, start, did_you_mean(start, names), join(names));
    }
    place(arms, static_cast<std::size_t>(found - arms.begin()), marks, ordered);
  }
  marks[number] = kDone;
  ordered.push_back(arms[number]);
}

std::vector<StudyArm> read_arms(const Recipe& file) {
  const auto list = file.lists.find("arm");
  CHIARO_CHECK(list != file.lists.end() && list->second.size() >= 2, Usage,
               "[study] a study compares at least two [[arm]]s");
  std::vector<StudyArm> arms;
  for (const auto& item : list->second) {
    check_recipe_sections({{}, item.tables, item.lists}, {}, {}, {});
    arms.push_back(parse_options<StudyArm>(item.values, "arm"));
  }
  check_names(arms, "arm");
  const auto controls = std::ranges::count(arms, true, &StudyArm::control);
  CHIARO_CHECK(controls == 1, Usage, "[study] {} arms say control = true; expected exactly one",
               controls);
  std::vector<StudyArm> ordered;
  std::vector<int> marks(arms.size(), 0);
  for (std::size_t i = 0; i < arms.size(); ++i) place(arms, i, marks, ordered);
  return ordered;
}

std::vector<StudySetting> read_settings(const Recipe& file) {
  std::vector<StudySetting> settings;
  const auto list = file.lists.find("setting");
  if (list == file.lists.end()) return {};
  for (const auto& item : list->second) {
    check_recipe_sections({{}, item.tables, item.lists}, {}, {}, {"source", "task"});
    settings.push_back(parse_options<StudySetting>(item.values, "setting"));
    settings.back().lists.lists = item.lists;
  }
  check_names(settings, "setting");
  return settings;
}

void check_arms(const Study& study) {
  for (const StudyArm& arm : study.arms) {
    CHIARO_CHECK(!arm.control || arm.measured, Usage,
                 "[study] the control arm '{}' must be measured", arm.name);
    CHIARO_CHECK(arm.fraction == 0 || !study.fractions.empty(), Usage,
                 "[study] arm '{}' has a fraction of its own, but the study has no fractions",
                 arm.name);
    CHIARO_CHECK(arm.fraction == 0 || !arm.measured, Usage,
                 "[study] arm '{}' has a fraction of its own and cannot be compared; say measured "
                 "= false",
                 arm.name);
    CHIARO_CHECK(arm.allow_missing.empty() || !arm.from.empty(), Usage,
                 "[study] arm '{}' has allow_missing without from", arm.name);
    for (const StudySetting& setting : study.settings) {
      CHIARO_CHECK(arm.recipe.empty() || setting.recipe.empty(), Usage,
                   "[study] arm '{}' and setting '{}' both name a recipe", arm.name, setting.name);
    }
  }
}

}  // namespace

Fields<StudyArm> StudyArm::fields() {
  return {
      field("name", &StudyArm::name, "a folder's name"),
      field("control", &StudyArm::control, "what the others are compared with; exactly one"),
      field("measured", &StudyArm::measured,
            "false: only a start for other arms, not in the table"),
      field("own_data", &StudyArm::own_data,
            "true: may differ from the control in data; said in the report"),
      field("recipe", &StudyArm::recipe, "instead of the base"),
      field("set", &StudyArm::set, "overrides: 'section.key=value'"),
      field("from", &StudyArm::from,
            "weights to start from: 'arm:NAME' (same setting and seed) or a bundle"),
      field("allow_missing", &StudyArm::allow_missing,
            "with from: tensors (shell globs) that may differ and stay as drawn"),
      field("fraction", &StudyArm::fraction,
            "the only fraction of an unmeasured arm; 0: those of the study", {.min = 0, .max = 1})};
}

Fields<StudySetting> StudySetting::fields() {
  return {field("name", &StudySetting::name, "a folder's name"),
          field("recipe", &StudySetting::recipe, "instead of the base"),
          field("set", &StudySetting::set, "overrides: 'section.key=value'")};
}

Fields<StudyMeasure> StudyMeasure::fields() {
  return {field("metrics", &StudyMeasure::metrics, "columns of validation.csv"),
          field("row", &StudyMeasure::row,
                "last: of the finished run; best: of the step where train.best was highest",
                {.choices = {"last", "best"}})};
}

Fields<Study> Study::fields() {
  return {
      field("name", &Study::name, "a folder's name"),
      field("question", &Study::question, "one sentence, shown over the table"),
      field("base", &Study::base, "recipe, beside the study's file"),
      field("seeds", &Study::seeds, "of data, weights and methods"),
      field("fractions", &Study::fractions, "a third axis: values of fraction_key"),
      field("fraction_key", &Study::fraction_key, "which value of the recipe the fractions set"),
      field("set", &Study::set, "overrides for every run: 'section.key=value'")};
}

const StudyArm& Study::control() const {
  return *std::ranges::find(arms, true, &StudyArm::control);
}

std::string starting_arm(const StudyArm& arm) {
  return arm.from.starts_with(kArmPrefix) ? arm.from.substr(kArmPrefix.size()) : "";
}

Study load_study(const std::filesystem::path& file) {
  const Recipe text = load_recipe(file);
  std::vector<std::string> keys;
  for (const auto& known : Study::fields()) keys.push_back(known.name);
  check_recipe_sections(text, keys, {"measure"}, {"arm", "setting"});
  auto study = parse_options<Study>(text.values, "study");
  study.file = file;
  check_name(study.name, "the study");
  CHIARO_CHECK(!study.base.empty(), Usage, "[study] '{}' names no base recipe", file.string());
  CHIARO_CHECK(!study.seeds.empty(), Usage, "[study] '{}' names no seeds", file.string());
  for (const auto seed : study.seeds)
    CHIARO_CHECK(seed >= 0, Usage, "[study] a seed cannot be negative; got {}", seed);
  for (const double fraction : study.fractions) {
    CHIARO_CHECK(fraction > 0 && fraction <= 1, Usage,
                 "[study] a fraction must lie in (0, 1]; got {}", fraction);
  }
  check_distinct(study.seeds, "seeds");
  check_distinct(study.fractions, "fractions");
  study.measure = parse_options<StudyMeasure>(text.table("measure").values, "measure");
  CHIARO_CHECK(!study.measure.metrics.empty(), Usage, "[study] [measure] names no metrics");
  check_distinct(study.measure.metrics, "metrics");
  study.arms = read_arms(text);
  study.settings = read_settings(text);
  check_arms(study);
  return study;
}

}  // namespace chiaro::apps
