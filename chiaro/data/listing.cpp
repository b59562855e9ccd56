#include "chiaro/data/listing.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <regex>

#include "chiaro/base/rng.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/pairing.h"

namespace chiaro::data {
namespace {

namespace fs = std::filesystem;

/// Why a file is no picture; "" where it can be read to its end.
std::string fault_of(const fs::path& file) {
  try {
    image::read(file);
    return "";
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Input) throw;
    return error.what();
  }
}

std::vector<fs::path> parts_of(const SourceFile& file) {
  std::vector<fs::path> parts{file.input, file.target, file.depth};
  std::erase(parts, fs::path());
  return parts;
}

/// Whether there is something to show of a scene; what of it cannot be read is noted.
bool can_be_shown(const std::vector<SourceFile>& files, std::map<fs::path, std::string>& unread) {
  std::set<fs::path> sound;  // a target that many inputs share is read once
  const auto can_be_read = [&](const fs::path& part) {
    if (sound.contains(part) || unread.contains(part)) return sound.contains(part);
    const std::string fault = fault_of(part);
    if (fault.empty()) return sound.insert(part).second;
    unread.emplace(part, fault);
    return false;
  };
  return 0 < std::ranges::count_if(files, [&](const SourceFile& file) {
           const auto parts = parts_of(file);
           return std::ssize(parts) == std::ranges::count_if(parts, can_be_read);
         });
}

std::vector<std::string> by_hash(const std::set<std::string>& scenes) {
  std::vector<std::string> order(scenes.begin(), scenes.end());
  std::ranges::sort(order, {},
                    [](const std::string& scene) { return std::pair(stable_hash(scene), scene); });
  return order;
}

/// The stated share, and at least one where there are two.
std::size_t scenes_to_hold_out(std::size_t scenes, double share) {
  const auto count = static_cast<std::size_t>(std::llround(share * static_cast<double>(scenes)));
  return share > 0 && scenes >= 2 ? std::max<std::size_t>(count, 1) : count;
}

/// Keeps the scenes with the lowest hashes for validation. Which they are does not depend on what
/// can be read today, unless the first cannot: then it goes, and where no other is left the next
/// takes its place.
void hold_out(Listing& listing, double share) {
  std::map<std::string, std::vector<SourceFile>> files;
  for (const SourceFile& file : listing.files) files[file.scene].push_back(file);
  const auto order = by_hash(listing.scenes);
  const std::size_t count = scenes_to_hold_out(order.size(), share);
  if (count == 0) return;
  std::size_t first = 0;
  while (first < order.size() && !can_be_shown(files.at(order[first]), listing.unread)) ++first;
  const auto begin = order.begin() + static_cast<std::ptrdiff_t>(first);
  const bool last = first > 0 && first + 1 >= order.size();  // who would be trained on?
  if (!last)
    listing.held_out = {begin,
                        std::max(order.begin() + static_cast<std::ptrdiff_t>(count), begin + 1)};
  for (auto scene = order.begin(); scene != begin; ++scene) listing.scenes.erase(*scene);
  std::erase_if(listing.files, [&](const SourceFile& file) {
    return std::ranges::any_of(parts_of(file),
                               [&](const fs::path& part) { return listing.unread.contains(part); });
  });
}

std::vector<fs::path> files_of(const fs::path& root, const std::string& folder) {
  const fs::path path = root / folder;  // an absolute folder stays as it is
  std::error_code failed;
  CHIARO_CHECK(fs::is_directory(path, failed), Input,
               "[data.source] there is no folder '{}'; expected below --data, CHIARO_DATA_DIR or "
               "the folder of the recipe",
               path.string());
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

/// The lines of a source's list, each of so many files, which are there.
std::vector<image::ListedFiles> listed_files(const SourceOptions& options, const fs::path& list,
                                             const fs::path& start, std::size_t count) {
  auto lines = image::read_list(list, start);
  for (const auto& line : lines) {
    CHIARO_CHECK(line.files.size() == count, Input,
                 "[data.source] {}: line {} of '{}' is no {}; got '{}'", options.name, line.line,
                 list.string(), count == 2 ? "pair; expected input<TAB>target" : "single file",
                 line.text);
    image::expect_listed(line, list);
  }
  return lines;
}

/// Of a clean, noisy or unpaired source.
std::vector<fs::path> single_pictures(const SourceOptions& options, const fs::path& root) {
  std::vector<fs::path> pictures;
  if (!options.list.empty()) {
    CHIARO_CHECK(options.folders.size() <= 1, Usage,
                 "[data.source] {}: a list names pictures of one folder; got {}", options.name,
                 options.folders.size());
    const fs::path list = root / options.list;
    const fs::path start =
        options.folders.empty() ? list.parent_path() : root / options.folders.front();
    for (const auto& line : listed_files(options, list, start, 1))
      pictures.push_back(line.files.front());
    return pictures;
  }
  CHIARO_CHECK(!options.folders.empty(), Usage,
               "[data.source] {}: a source of kind '{}' needs folders or a list", options.name,
               options.kind);
  for (const auto& folder : options.folders)
    std::ranges::copy(files_of(root, folder), std::back_inserter(pictures));
  return pictures;
}

/// The pictures of a clean, noisy or unpaired source; the scene is the stem.
std::vector<SourceFile> single_files(const SourceOptions& options, const fs::path& root) {
  const std::vector<fs::path> pictures = single_pictures(options, root);
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

/// Pairs that a list states whole; the scene is the target's stem.
std::vector<image::FilePair> listed_pairs(const SourceOptions& options, const fs::path& root) {
  const fs::path list = root / options.list;
  std::vector<image::FilePair> pairs;
  for (const auto& line : listed_files(options, list, list.parent_path(), 2))
    pairs.push_back({line.files[0], line.files[1], line.files[1].stem().string()});
  return pairs;
}

/// Leaves those whose targets are listed.
void keep_listed(const SourceOptions& options, const fs::path& root,
                 std::vector<image::FilePair>& pairs) {
  const fs::path list = root / options.list;
  std::set<fs::path> wanted;
  for (const auto& line : listed_files(options, list, root / options.target, 1))
    wanted.insert(line.files.front().lexically_normal());
  std::erase_if(pairs, [&](const image::FilePair& pair) {
    return !wanted.contains(pair.target.lexically_normal());
  });
  for (const auto& pair : pairs) wanted.erase(pair.target.lexically_normal());
  CHIARO_CHECK(wanted.empty(), Input, "[data.source] {}: '{}' lists '{}', which has no input",
               options.name, list.string(), wanted.begin()->string());
}

std::vector<SourceFile> paired_files(const SourceOptions& options, const fs::path& root) {
  const bool folders = !options.input.empty() && !options.target.empty();
  const bool whole = !options.list.empty() && options.input.empty() && options.target.empty();
  CHIARO_CHECK((folders || whole) && !options.task.empty(), Usage,
               "[data.source] {}: a paired source needs task, and input and target or a list",
               options.name);
  std::vector<image::FilePair> pairs =
      whole ? listed_pairs(options, root)
            : image::pair_files(files_of(root, options.input), files_of(root, options.target),
                                options.pairing, options.name, true);
  if (folders && !options.list.empty()) keep_listed(options, root, pairs);
  std::vector<SourceFile> files;
  for (const auto& pair : pairs) {
    if (!excluded(options, pair.scene)) files.push_back({pair.input, pair.target, {}, pair.scene});
  }
  return files;
}

/// Gives files whose stems agree in what the first group of the source's expression catches one
/// scene.
void join_scenes(const SourceOptions& options, std::vector<SourceFile>& files) {
  std::regex expression;
  try {
    expression.assign(options.scene);
  } catch (const std::regex_error&) {
    expression = {};
  }
  CHIARO_CHECK(expression.mark_count() > 0, Usage,
               "[data.source] {}: scene is to be a regular expression with a group; got '{}'",
               options.name, options.scene);
  for (SourceFile& file : files) {
    std::smatch parts;
    CHIARO_CHECK(std::regex_match(file.scene, parts, expression) && parts[1].length() > 0, Usage,
                 "[data.source] {}: scene '{}' catches nothing of '{}'", options.name,
                 options.scene, file.scene);
    file.scene = parts[1].str();
  }
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
  for (auto& file : listing.files) file.shows = file.scene;
  if (!options.scene.empty()) join_scenes(options, listing.files);
  for (const auto& file : listing.files) listing.scenes.insert(file.scene);
  hold_out(listing, holdout);
  CHIARO_CHECK(!listing.files.empty(), Input, "[data.source] {}: no picture can be read; first: {}",
               options.name, listing.unread.begin()->second);
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
