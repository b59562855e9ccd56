// Which files a source has, and which of its scenes train, validate or carry labels.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "chiaro/data/dataset.h"

namespace chiaro::data {

/// One picture of a source with what belongs to it; empty paths where there is nothing.
struct SourceFile {
  std::filesystem::path input;   ///< damaged partner of a paired source
  std::filesystem::path target;  ///< the picture; of a paired source the clean one
  std::filesystem::path depth;   ///< its depth map
  std::string scene;             ///< pictures of one scene stay in one part
  std::string shows = {};        ///< the stem: pictures of one stem show the same, pixel by pixel
};

/// The files of a source before they are divided.
struct Listing {
  std::vector<SourceFile> files;
  std::set<std::string> scenes;
  std::set<std::string> held_out;  ///< scenes that its own share keeps for validation
  std::map<std::filesystem::path, std::string> unread;  ///< what was taken out, with why
};

/// Lists a source; relative folders are taken from `root`, `holdout` is the share of scenes kept.
/// Of the scenes held out the first is read, and where it cannot be, the next, until one can: what
/// cannot is taken out of the listing, and where none of them can be read the next scene is held
/// out. Errors: Usage (options that do not fit together), Input (folders missing or empty, partners
/// missing, nothing that can be read).
Listing list_source(const SourceOptions& options, const std::filesystem::path& root,
                    double holdout);

/// What one source keeps for validation, no other may train on: a scene may lie in several folders.
/// A source that would have nothing left keeps out its own alone.
std::set<std::string> held_out_of_all(const Listing& listing,
                                      const std::set<std::string>& anywhere);

/// Those of the scenes that may be trained on: the stated share of them, at least one. Smaller
/// shares are parts of larger ones; the seed says which.
std::set<std::string> labelled(const std::set<std::string>& scenes, double share,
                               std::int64_t seed);

}  // namespace chiaro::data
