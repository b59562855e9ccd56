// A set of damaged and clean pictures to measure on; reads one pair at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "chiaro/image/image.h"

namespace chiaro::eval {

struct PairEntry {
  std::string name;              ///< the input's file name, as shown in tables; unique in the set
  std::filesystem::path input;   ///< empty: made from the target by the set's degradation
  std::filesystem::path target;  ///< the clean picture; empty: there is none
};

struct PairSet {
  std::string name;
  std::vector<PairEntry> entries;  ///< by name
  std::string degradation;         ///< canonical spec of chiaro/degrade; "": inputs are files
  std::uint64_t seed = 0;          ///< of the degradation
};

/// Two folders, paired by image::pair_files (`rule` as there). When both are the same folder the
/// rule must tell input and target apart; without one the known suffix pairs are tried. Errors:
/// Input (missing, extra, ambiguous or other-sized partner, empty folder), naming set and file;
/// Usage (bad rule).
PairSet paired_folders(const std::string& name, const std::filesystem::path& input,
                       const std::filesystem::path& target, const std::string& rule = "");

/// Clean pictures, damaged by a spec of chiaro/degrade. The noise of a picture depends on the seed
/// and on the file's stem, not on its place in the folder. Errors: Input, Usage.
PairSet degraded_folder(const std::string& name, const std::filesystem::path& clean,
                        const std::string& spec, std::uint64_t seed);

/// A text file with `input<TAB>target` lines, relative to the file; blank lines and those beginning
/// with # are left out. Errors: Input, naming set and line.
PairSet listed_pairs(const std::string& name, const std::filesystem::path& list);

/// The pictures of a folder, or one picture, without clean ones: for metrics without a reference.
/// Errors: Input.
PairSet unpaired(const std::string& name, const std::filesystem::path& input);

/// One picture and its clean one. Errors: Input (missing, other size).
PairSet one_pair(const std::string& name, const std::filesystem::path& input,
                 const std::filesystem::path& target);

/// Whether every entry has a clean picture.
bool has_targets(const PairSet& set);

/// Only entries whose target has one of these stems. Errors: Input if a stem is not there.
PairSet keep_targets(PairSet set, std::span<const std::string> target_stems);

/// The first `count` entries; 0: all.
PairSet limited(PairSet set, std::size_t count);

struct Pair {
  image::Image input;
  image::Image target;  ///< empty where the set has none
};

/// Reads (and damages) one pair. Errors: Input (unreadable, other size or channels), naming set and
/// file.
Pair load_pair(const PairSet& set, const PairEntry& entry);

/// Hash of names and bytes of the target files, and of what the inputs are made of: equal text
/// means that two scores were taken on the same pictures. Without targets their place is taken by
/// the names of the inputs, since finished pictures of the same originals have nothing else in
/// common; then each picture is a scene.
struct SetHashes {
  std::string targets;
  std::string inputs;
  std::vector<std::string> scenes;  ///< one per entry; equal where the target files are equal
};
SetHashes hash_set(const PairSet& set);

}  // namespace chiaro::eval
