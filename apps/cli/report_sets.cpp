#include "apps/cli/report_sets.h"

#include <spdlog/spdlog.h>

#include <filesystem>
#include <map>
#include <span>
#include <system_error>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/restore/find_pictures.h"

namespace chiaro::cli {
namespace {

namespace fs = std::filesystem;

bool is_folder(const std::string& name) {
  std::error_code failed;
  return fs::is_directory(name, failed);
}

/// The pictures of a folder, by where they lie in it.
class Folder {
 public:
  explicit Folder(std::string name) : name_(std::move(name)) {
    const auto found = restore::find_pictures(std::span(&name_, 1));
    for (const auto& [path, reason] : found.unreadable)
      spdlog::warn("left out: {}: {}", path.string(), reason);
    for (const auto& [file, below] : found.pictures) {
      pictures.push_back({below / file.filename(), file});
      by_stem_[below / file.stem()].push_back(file);
    }
  }

  /// The picture of this name, or the only one that differs from it in the extension alone; empty
  /// where there is none. Errors: Input (there are several).
  fs::path partner(const fs::path& name) const {
    const auto found = by_stem_.find(name.parent_path() / name.stem());
    if (found == by_stem_.end()) return {};
    for (const fs::path& file : found->second)
      if (file.filename() == name.filename()) return file;
    CHIARO_CHECK(found->second.size() == 1, Input,
                 "[cli.report] which of '{}' and '{}' goes with '{}'? expected one of its name",
                 found->second[0].string(), found->second[1].string(), name.string());
    return found->second.front();
  }

  /// Whether pictures differ from this one in the extension alone.
  bool has_likes(const fs::path& name) const {
    return by_stem_.at(name.parent_path() / name.stem()).size() > 1;
  }

  const std::string& name() const { return name_; }

  struct Picture {
    fs::path name;  // below the folder
    fs::path file;
  };
  std::vector<Picture> pictures;

 private:
  std::string name_;
  std::map<fs::path, std::vector<fs::path>> by_stem_;
};

void expect_of_one_kind(const std::string& before, const std::vector<std::string>& all) {
  const bool folders = is_folder(before);
  for (const std::string& other : all) {
    std::error_code failed;
    CHIARO_CHECK(fs::exists(other, failed), Input, "[cli.report] cannot read '{}': {}", other,
                 failed ? failed.message() : "No such file or directory");
    CHIARO_CHECK(is_folder(other) == folders, Usage,
                 "[cli.report] files and folders do not go together; got '{}' and '{}'; expected "
                 "all of one kind",
                 before, other);
  }
}

}  // namespace

ReportSets report_sets(const std::string& before, const std::vector<std::string>& afters,
                       const std::string& clean) {
  std::vector<std::string> others = afters;
  if (!clean.empty()) others.push_back(clean);
  expect_of_one_kind(before, others);
  if (!is_folder(before))
    return {{{.title = "", .before = before, .afters = afters, .clean = clean}}, {}};
  const Folder sources(before);
  std::vector<Folder> results;
  results.reserve(others.size());
  for (const std::string& folder : others) results.emplace_back(folder);
  std::vector<std::size_t> missing(results.size(), 0);
  ReportSets all;
  for (const auto& [name, file] : sources.pictures) {
    const bool alike = sources.has_likes(name);
    ReportSet set{.title = (alike ? name : name.parent_path() / name.stem()).string(),
                  .before = file,
                  .afters = {},
                  .clean = ""};
    for (std::size_t i = 0; i < results.size(); ++i) {
      const std::string partner = results[i].partner(name).string();
      if (partner.empty()) {
        ++missing[i];
      } else if (i < afters.size()) {
        set.afters.push_back(partner);
      } else {
        set.clean = partner;
      }
    }
    if (set.afters.empty()) {
      all.without.push_back(name.string());
    } else {
      all.sets.push_back(std::move(set));
    }
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    CHIARO_CHECK(
        missing[i] < sources.pictures.size(), Input,
        "[cli.report] '{}' has no picture with a name of '{}'; expected a folder of the same "
        "tree, as chiaro restore makes it",
        results[i].name(), before);
    if (missing[i] > 0)
      spdlog::warn("'{}' lacks {} of the {} pictures of '{}'", results[i].name(), missing[i],
                   sources.pictures.size(), before);
  }
  return all;
}

}  // namespace chiaro::cli
