// Which damaged picture belongs to which clean one: by name, never by sort order.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace chiaro::image {

struct FilePair {
  std::filesystem::path input;
  std::filesystem::path target;
  std::string scene;  ///< the target's stem: inputs with the same target share it
};

/// Pairs by stem; extensions may differ. Rules:
///   ""       automatic: equal stems; else `A_level` with target `A`; else the suffix pairs of
///   common data sets
///            (_real/_mean, _lq/_gt, _low/_high, _noisy/_clean, _input/_target)
///   "A:B"    the input's stem ends in A, its target has B in that place ("_real:_mean"); both may
///   lie in one folder. "{}A:{}B" is the same, "{}A" as well with an empty B ("{}x4": of BasicSR)
/// Every input must find exactly one target and, unless `allow_unused_targets`, every target an
/// input. Errors: Input, naming the first file that is missing, extra or ambiguous; `what` names
/// the set in messages.
std::vector<FilePair> pair_files(const std::vector<std::filesystem::path>& inputs,
                                 const std::vector<std::filesystem::path>& targets,
                                 const std::string& rule, const std::string& what,
                                 bool allow_unused_targets = false);

/// The files of one line of a list.
struct ListedFiles {
  std::size_t line = 0;  ///< counted from 1
  std::string text;      ///< as it stands there
  std::vector<std::filesystem::path> files;
};

/// A text file with one file a line, or several with tabs between; what is no absolute path starts
/// at `root`. Blank lines and those that begin with # are left out, and what follows a file's name
/// as " (height,width,channels)" with whatever stands behind it (the meta_info of BasicSR). Errors:
/// Input (unreadable, nothing listed); whether the files exist is not looked at.
std::vector<ListedFiles> read_list(const std::filesystem::path& list,
                                   const std::filesystem::path& root);

/// Errors: Input, naming list and line, if a file is not there.
void expect_listed(const ListedFiles& listed, const std::filesystem::path& list);

}  // namespace chiaro::image
