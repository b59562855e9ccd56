#include "chiaro/restore/bundle_search.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <system_error>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"

namespace chiaro::restore {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kExtension = ".chiaro";

bool is_path(std::string_view name) {
  return name.find('/') != std::string_view::npos || name.ends_with(kExtension);
}

/// The shared library that this code is part of; empty where it is part of the program itself.
fs::path own_library(const fs::path& program) {
  static const char kPlace = 0;
  Dl_info found{};
  if (::dladdr(&kPlace, &found) == 0 || found.dli_fname == nullptr) return {};
  const fs::path named(found.dli_fname);
  std::error_code failed;
  // A program may be named by a word of the command line, which says little.
  const fs::path library = named.is_absolute() ? fs::canonical(named, failed) : fs::path();
  return failed || library == program ? fs::path() : library;
}

}  // namespace

std::vector<fs::path> bundle_folders() {
  std::vector<fs::path> candidates;
  if (const char* listed = std::getenv("CHIARO_BUNDLE_PATH")) {
    for (const std::string& folder : split(listed, ':')) {
      if (!folder.empty()) candidates.emplace_back(folder);
    }
  }
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  if (!failed)
    candidates.push_back(
        (program.parent_path() / ".." / "share" / "chiaro" / "models").lexically_normal());
  if (const fs::path library = own_library(program); !library.empty()) {
    candidates.push_back((library.parent_path() / CHIARO_LIBRARY_TO_MODELS).lexically_normal());
  }
#ifdef CHIARO_BUILD_TREE
  // Only for programs that lie in the build tree; an installed one must not reach into a source
  // tree.
  if (!failed && program.string().starts_with(std::string(CHIARO_BUILD_TREE) + "/")) {
    candidates.emplace_back(CHIARO_MODELS_FOLDER);
  }
#endif
  std::vector<fs::path> folders;
  for (const fs::path& folder : candidates) {
    if (fs::is_directory(folder, failed)) folders.push_back(folder);
  }
  return folders;
}

std::vector<fs::path> list_bundles() {
  std::map<std::string, fs::path> by_name;
  for (const fs::path& folder : bundle_folders()) {
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(folder, failed)) {
      if (entry.path().extension() == kExtension)
        by_name.emplace(entry.path().stem().string(), entry.path());
    }
  }
  std::vector<fs::path> bundles;
  for (const auto& [name, path] : by_name) bundles.push_back(path);
  return bundles;
}

fs::path find_bundle(std::string_view name_or_path) {
  std::error_code failed;
  const bool names_file = is_path(name_or_path);
  if (names_file && fs::exists(name_or_path, failed)) return name_or_path;
  std::string file(name_or_path);
  if (!names_file) file += kExtension;
  const auto folders = bundle_folders();
  const bool in_a_folder = file.find('/') != std::string::npos;
  for (const fs::path& folder : folders) {
    if (!in_a_folder && fs::exists(folder / file, failed)) return folder / file;
  }
  CHIARO_CHECK(!names_file, Input, "[restore.find_bundle] there is no bundle '{}'", name_or_path);
  std::vector<std::string> known;
  for (const fs::path& path : list_bundles()) known.push_back(path.stem().string());
  std::vector<std::string> searched;
  for (const fs::path& folder : folders) searched.push_back(folder.string());
  fail(ErrorCode::Input,
       "[restore.find_bundle] there is no bundle named '{}'{}; known: {}; searched: {}",
       name_or_path, did_you_mean(name_or_path, known), known.empty() ? "none" : join(known),
       searched.empty() ? "no folder (CHIARO_BUNDLE_PATH is not set)" : join(searched));
}

}  // namespace chiaro::restore
