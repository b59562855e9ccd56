// The file of a study: the arms that are compared, and over what. docs/studies/README.md explains
// it for readers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "chiaro/base/options.h"
#include "chiaro/base/recipe.h"

namespace chiaro::apps {

/// Each [[arm]]: one way to train.
struct StudyArm {
  std::string name;
  bool control = false;
  bool measured = true;
  bool own_data = false;
  std::string recipe;
  std::vector<std::string> set;
  std::string from;
  std::vector<std::string> allow_missing;
  double fraction = 0;
  static Fields<StudyArm> fields();
};

/// Each [[setting]]: a second axis, for example tasks. Its [[setting.source]] and [[setting.task]]
/// replace those of the recipe.
struct StudySetting {
  std::string name;
  std::string recipe;
  std::vector<std::string> set;
  Recipe lists;  ///< only source and task
  static Fields<StudySetting> fields();
};

/// Table [measure].
struct StudyMeasure {
  std::vector<std::string> metrics{"psnr"};
  std::string row = "last";
  static Fields<StudyMeasure> fields();
};

struct Study {
  std::string name;
  std::string question;
  std::string base;
  std::vector<std::int64_t> seeds;
  std::vector<double> fractions;
  std::string fraction_key = "data.label_fraction";
  std::vector<std::string> set;
  static Fields<Study> fields();

  std::vector<StudyArm> arms;          ///< a start stands before those that start from it
  std::vector<StudySetting> settings;  ///< empty: one setting without a name
  StudyMeasure measure;
  std::filesystem::path file;

  const StudyArm& control() const;
};

/// The name of the arm that "arm:NAME" points to, or "".
std::string starting_arm(const StudyArm& arm);

/// Reads and checks a study. Errors: Input (no such file); Usage, naming the nearest known key: no
/// control or two, names twice or unfit for folders, arms that start from each other in a circle, …
Study load_study(const std::filesystem::path& file);

}  // namespace chiaro::apps
