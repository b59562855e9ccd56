#include "chiaro/data/listing.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "chiaro/base/rng.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/pairing.h"

namespace chiaro::data {
namespace {

namespace fs = std::filesystem;

/// The scenes of a source kept for validation: those with the lowest hashes, the stated share of
/// them, and at least one where there are two.
std::set<std::string> held_out(const std::set<std::string>& scenes, double share) {
  std::vector<std::pair<std::uint64_t, std::string>> order;
  for (const auto& scene : scenes) order.emplace_back(stable_hash(scene), scene);
  std::ranges::sort(order);
  auto count = static_cast<std::size_t>(std::llround(share * static_cast<double>(order.size())));
  if (share > 0 && order.size() >= 2) count = std::max<std::size_t>(count, 1);
  std::set<std::string> kept;
  for (std::size_t i = 0; i < count; ++i) kept.insert(order[i].second);
  return kept;
}

std::vector<fs::path> files_of(const fs::path& root, const std::string& folder) {
  const fs::path path = fs::path(folder).is_absolute() ? fs::path(folder) : root / folder;
  auto files = image::list_pictures(path, true);
  CHIARO_CHECK(!files.empty(), Input, "[data.source] no pictures in '{}'", path.string());
  return files;
}

bool excluded(const SourceOptions& source, const std::string& stem) {
  return std::ranges::count(source.exclude, stem) > 0;
}

/// The pictures of a clean source that has a depth map for each.
std::vector<SourceFile> files_with_depth(const SourceOptions& options,
                                         const std::vector<fs::path>& pictures,
                                         const fs::path& root) {
  CHIARO_CHECK(options.kind == "clean", Usage,
               "[data.source] {}: depth maps serve the damage of clean pictures; got a source of "
               "kind '{}'",
               options.name, options.kind);
  std::vector<SourceFile> files;
  for (auto& pair : image::pair_files(pictures, files_of(root, options.depths), options.pairing,
                                      options.name, true)) {
    files.push_back({{}, pair.input, pair.target, pair.input.stem().string()});
  }
  return files;
}

/// The pictures of a clean, noisy or unpaired source; the scene is the stem.
std::vector<SourceFile> single_files(const SourceOptions& options, const fs::path& root) {
  CHIARO_CHECK(!options.folders.empty(), Usage,
               "[data.source] {}: a source of kind '{}' needs folders", options.name, options.kind);
  std::vector<fs::path> pictures;
  for (const auto& folder : options.folders)
    std::ranges::copy(files_of(root, folder), std::back_inserter(pictures));
  std::vector<SourceFile> files;
  if (!options.depths.empty()) {
    files = files_with_depth(options, pictures, root);
  } else {
    for (const auto& picture : pictures)
      files.push_back({{}, picture, {}, picture.stem().string()});
  }
  std::erase_if(files, [&](const SourceFile& file) { return excluded(options, file.scene); });
  return files;
}

std::vector<SourceFile> paired_files(const SourceOptions& options, const fs::path& root) {
  CHIARO_CHECK(!options.input.empty() && !options.target.empty() && !options.task.empty(), Usage,
               "[data.source] {}: a paired source needs input, target and task", options.name);
  std::vector<SourceFile> files;
  for (auto& pair : image::pair_files(files_of(root, options.input), files_of(root, options.target),
                                      options.pairing, options.name, true)) {
    if (!excluded(options, pair.scene)) files.push_back({pair.input, pair.target, {}, pair.scene});
  }
  return files;
}

}  // namespace

Listing list_source(const SourceOptions& options, const fs::path& root, double holdout) {
  CHIARO_CHECK(!options.name.empty(), Usage, "[data.source] each [[source]] needs a name");
  CHIARO_CHECK(options.scale_min <= options.scale_max, Usage,
               "[data.source] {}: scale_min exceeds scale_max", options.name);
  CHIARO_CHECK(options.strength_min <= options.strength_max, Usage,
               "[data.source] {}: strength_min exceeds strength_max", options.name);
  Listing listing;
  listing.files =
      options.kind == "paired" ? paired_files(options, root) : single_files(options, root);
  for (const auto& file : listing.files) listing.scenes.insert(file.scene);
  listing.held_out = held_out(listing.scenes, holdout);
  return listing;
}

std::set<std::string> held_out_of_all(const Listing& listing,
                                      const std::set<std::string>& anywhere) {
  std::set<std::string> kept;
  std::ranges::set_intersection(listing.scenes, anywhere, std::inserter(kept, kept.end()));
  return kept.size() < listing.scenes.size() ? kept : listing.held_out;
}

std::set<std::string> labelled(const std::set<std::string>& scenes, double share,
                               std::int64_t seed) {
  std::vector<std::pair<std::uint64_t, std::string>> order;
  for (const auto& scene : scenes)
    order.emplace_back(stable_hash(fmt::format("label {} {}", seed, scene)), scene);
  std::ranges::sort(order);
  const auto count =
      static_cast<std::size_t>(std::ceil(share * static_cast<double>(order.size()) - 1e-9));
  order.resize(std::min(order.size(), std::max<std::size_t>(1, count)));
  std::set<std::string> chosen;
  for (const auto& [hash, scene] : order) chosen.insert(scene);
  return chosen;
}

}  // namespace chiaro::data
