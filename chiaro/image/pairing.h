// Which damaged picture belongs to which clean one: by name, never by sort order.
#pragma once

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
///   lie in one folder
/// Every input must find exactly one target and, unless `allow_unused_targets`, every target an
/// input. Errors: Input, naming the first file that is missing, extra or ambiguous; `what` names
/// the set in messages.
std::vector<FilePair> pair_files(const std::vector<std::filesystem::path>& inputs,
                                 const std::vector<std::filesystem::path>& targets,
                                 const std::string& rule, const std::string& what,
                                 bool allow_unused_targets = false);

}  // namespace chiaro::image
