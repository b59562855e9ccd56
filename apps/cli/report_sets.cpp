#include "apps/cli/report_sets.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <span>
#include <system_error>

#include "chiaro/base/error.h"
#include "chiaro/restore/find_pictures.h"

namespace chiaro::cli {
namespace {

namespace fs = std::filesystem;

/// The pictures of a folder by where they lie in it, without their extension.
using ByName = std::map<fs::path, fs::path>;

bool is_folder(const std::string& name) {
  std::error_code failed;
  return fs::is_directory(name, failed);
}

ByName by_name(const std::string& folder) {
  ByName pictures;
  const auto found = restore::find_pictures(std::span(&folder, 1));
  for (const auto& [path, reason] : found.unreadable)
    spdlog::warn("left out: {}: {}", path.string(), reason);
  for (const auto& [file, below] : found.pictures) {
    const auto [other, is_new] = pictures.emplace(below / file.stem(), file);
    CHIARO_CHECK(is_new, Input,
                 "[cli.report] '{}' and '{}' have one name; expected names that differ in more "
                 "than the extension",
                 other->second.string(), file.string());
  }
  return pictures;
}

void expect_of_one_kind(const std::string& before, const std::vector<std::string>& all) {
  const bool folders = is_folder(before);
  for (const std::string& other : all) {
    CHIARO_CHECK(is_folder(other) == folders, Usage,
                 "[cli.report] files and folders do not go together; got '{}' and '{}'; expected "
                 "all of one kind",
                 before, other);
  }
}

}  // namespace

std::vector<ReportSet> report_sets(const std::string& before,
                                   const std::vector<std::string>& afters,
                                   const std::string& clean) {
  std::vector<std::string> others = afters;
  if (!clean.empty()) others.push_back(clean);
  expect_of_one_kind(before, others);
  if (!is_folder(before))
    return {{.title = "", .before = before, .afters = afters, .clean = clean}};
  const ByName sources = by_name(before);
  std::vector<ByName> results;
  results.reserve(afters.size());
  for (const std::string& folder : afters) results.push_back(by_name(folder));
  const ByName references = clean.empty() ? ByName() : by_name(clean);
  std::vector<ReportSet> sets;
  std::size_t without = 0;
  for (const auto& [name, file] : sources) {
    ReportSet set{.title = name.string(), .before = file, .afters = {}, .clean = ""};
    for (const ByName& result : results) {
      if (const auto found = result.find(name); found != result.end())
        set.afters.push_back(found->second);
    }
    if (const auto found = references.find(name); found != references.end())
      set.clean = found->second;
    if (set.afters.empty()) {
      ++without;
    } else {
      sets.push_back(std::move(set));
    }
  }
  CHIARO_CHECK(
      !sets.empty(), Input,
      "[cli.report] no picture of '{}' has a result of its name; expected the folders that "
      "chiaro restore mirrors",
      before);
  if (without > 0)
    spdlog::warn("{} of {} pictures of '{}' have no result, and are left out", without,
                 sources.size(), before);
  return sets;
}

}  // namespace chiaro::cli
