#include "chiaro/eval/pair_set.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/log.h"
#include "chiaro/base/rng.h"
#include "chiaro/base/text.h"
#include "chiaro/degrade/degrade.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/pairing.h"

namespace chiaro::eval {
namespace {

namespace fs = std::filesystem;

constexpr std::array kSuffixRules = {"_real:_mean", "_lq:_gt", "_low:_high", "_noisy:_clean",
                                     "_input:_target"};

/// Says how many there are in folders below, where any are.
void say_left_aside(const std::string& set, const fs::path& folder,
                    const std::vector<fs::path>& files) {
  std::ptrdiff_t aside = 0;
  try {
    aside = std::ranges::count_if(
        image::list_pictures(folder, /*recursive=*/true),
        [&](const fs::path& file) { return !std::ranges::binary_search(files, file); });
  } catch (const Error& error) {  // of no folder that is wanted
    spdlog::debug("{}", error.what());
  }
  if (aside > 0)
    spdlog::info("set '{}': left aside in folders below '{}': {}", set, folder.string(),
                 aside == 1 ? "1 picture" : fmt::format("{} pictures", aside));
}

std::vector<fs::path> pictures_in(const std::string& set, const fs::path& folder) {
  CHIARO_CHECK(fs::is_directory(folder), Input, "[eval.pair_set] set '{}': '{}' is not a folder",
               set, folder.string());
  auto files = image::list_pictures(folder);
  if (!files.empty()) {
    say_left_aside(set, folder, files);
    return files;
  }
  const auto below = image::list_pictures(folder, /*recursive=*/true);
  CHIARO_CHECK(below.empty(), Input,
               "[eval.pair_set] set '{}': no pictures in '{}' itself, but {} in folders below it, "
               "such as '{}'; expected folders that hold their pictures directly, one set for each",
               set, folder.string(), below.size(), below.front().string());
  fail(ErrorCode::Input, "[eval.pair_set] set '{}': no pictures in '{}'", set, folder.string());
}

// The rule that a folder holding inputs and targets side by side follows.
std::string rule_of_shared_folder(const std::string& set, const std::vector<fs::path>& files) {
  for (const char* rule : kSuffixRules) {
    const std::string suffix = split(rule, ':').front();
    const auto matches = [&](const fs::path& file) {
      return file.stem().string().ends_with(suffix);
    };
    if (std::any_of(files.begin(), files.end(), matches)) return rule;
  }
  fail(ErrorCode::Input,
       "[eval.pair_set] set '{}': input and target are the same folder and no name ends in a known "
       "suffix; expected a rule such as '_lq:_gt'",
       set);
}

// Nothing where the file is broken: load_pair says so of its picture alone.
std::optional<image::Probe> known_size(const fs::path& file) {
  try {
    return image::probe(file);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Input) throw;
    return std::nullopt;
  }
}

// Sizes are stored before turning upright, so a pair may differ by a swap here; load_pair is exact.
void check_sizes(const PairSet& set) {
  for (const auto& entry : set.entries) {
    if (entry.input.empty()) continue;
    const auto input = known_size(entry.input);
    const auto target = known_size(entry.target);
    if (!input || !target) continue;
    CHIARO_CHECK(
        std::minmax(input->width, input->height) == std::minmax(target->width, target->height),
        Input,
        "[eval.pair_set] set '{}': '{}' and its target '{}' differ in size; got {}x{} and "
        "{}x{} px",
        set.name, entry.input.string(), entry.target.string(), input->width, input->height,
        target->width, target->height);
  }
}

void order_by_name(PairSet& set) {
  std::sort(set.entries.begin(), set.entries.end(),
            [](const PairEntry& a, const PairEntry& b) { return a.name < b.name; });
  for (std::size_t i = 1; i < set.entries.size(); ++i) {
    CHIARO_CHECK(set.entries[i - 1].name != set.entries[i].name, Input,
                 "[eval.pair_set] set '{}': two inputs are called '{}'", set.name,
                 set.entries[i].name);
  }
}

std::string hex(std::uint64_t hash) {
  return fmt::format("{:016x}", hash);
}

/// What cannot be read has no scores either.
std::string file_hash(const fs::path& file) {
  try {
    return hex(stable_hash(read_text(file)));
  } catch (const Error&) {
    return "unreadable";
  }
}

}  // namespace

PairSet paired_folders(const std::string& name, const fs::path& input, const fs::path& target,
                       const std::string& rule) {
  const auto inputs = pictures_in(name, input);
  const bool shared = fs::is_directory(target) && fs::equivalent(input, target);
  const auto targets = shared ? inputs : pictures_in(name, target);
  const std::string used = rule.empty() && shared ? rule_of_shared_folder(name, inputs) : rule;
  PairSet set{name, {}, "", 0};
  for (const auto& pair : image::pair_files(inputs, targets, used, name)) {
    set.entries.push_back({pair.input.filename().string(), pair.input, pair.target});
  }
  order_by_name(set);
  check_sizes(set);
  return set;
}

PairSet degraded_folder(const std::string& name, const fs::path& clean, const std::string& spec,
                        std::uint64_t seed) {
  PairSet set{name, {}, degrade::print_spec(degrade::parse_spec(spec)), seed};
  std::map<std::string, fs::path> stems;
  for (const auto& file : pictures_in(name, clean)) {
    const auto [found, inserted] = stems.emplace(file.stem().string(), file);
    CHIARO_CHECK(inserted, Input,
                 "[eval.pair_set] set '{}': '{}' and '{}' have the same stem; their noise would be "
                 "the same",
                 name, found->second.string(), file.string());
    set.entries.push_back({file.filename().string(), {}, file});
  }
  order_by_name(set);
  return set;
}

PairSet listed_pairs(const std::string& name, const fs::path& list) {
  PairSet set{name, {}, "", 0};
  for (const auto& listed : image::read_list(list, list.parent_path())) {
    CHIARO_CHECK(listed.files.size() == 2, Input,
                 "[eval.pair_set] set '{}': line {} of '{}' is not a pair; got '{}'; expected "
                 "input<TAB>target",
                 name, listed.line, list.string(), listed.text);
    image::expect_listed(listed, list);
    set.entries.push_back(
        {std::string(trim(split(listed.text, '\t').front())), listed.files[0], listed.files[1]});
  }
  order_by_name(set);
  check_sizes(set);
  return set;
}

PairSet unpaired(const std::string& name, const fs::path& input) {
  PairSet set{name, {}, "", 0};
  if (fs::is_directory(input)) {
    for (const auto& file : pictures_in(name, input))
      set.entries.push_back({file.filename().string(), file, {}});
  } else {
    image::probe(input);
    set.entries.push_back({input.filename().string(), input, {}});
  }
  order_by_name(set);
  return set;
}

PairSet one_pair(const std::string& name, const fs::path& input, const fs::path& target) {
  PairSet set{name, {{input.filename().string(), input, target}}, "", 0};
  check_sizes(set);
  return set;
}

bool has_targets(const PairSet& set) {
  return std::ranges::none_of(set.entries,
                              [](const PairEntry& entry) { return entry.target.empty(); });
}

PairSet keep_targets(PairSet set, std::span<const std::string> target_stems) {
  std::set<std::string> wanted(target_stems.begin(), target_stems.end());
  std::set<std::string> found;
  std::erase_if(set.entries, [&](const PairEntry& entry) {
    const std::string stem = entry.target.stem().string();
    if (!wanted.contains(stem)) return true;
    found.insert(stem);
    return false;
  });
  for (const auto& stem : wanted) {
    CHIARO_CHECK(found.contains(stem), Input, "[eval.pair_set] set '{}': no target is called '{}'",
                 set.name, stem);
  }
  return set;
}

PairSet limited(PairSet set, std::size_t count) {
  if (count > 0 && count < set.entries.size()) set.entries.resize(count);
  return set;
}

Pair load_pair(const PairSet& set, const PairEntry& entry) {
  Pair pair;
  if (entry.target.empty()) {
    pair.input = image::read(entry.input);
    return pair;
  }
  pair.target = image::read(entry.target);
  if (entry.input.empty()) {
    Rng rng(set.seed, {stable_hash(entry.target.stem().string())});
    pair.input = degrade::apply(pair.target, degrade::parse_spec(set.degradation), rng);
  } else {
    pair.input = image::read(entry.input);
  }
  CHIARO_CHECK(
      pair.input.width() == pair.target.width() && pair.input.height() == pair.target.height() &&
          pair.input.channels() == pair.target.channels(),
      Input,
      "[eval.pair_set] set '{}': '{}' and its target '{}' differ; got {}x{} px with {} "
      "channels and {}x{} px with {}",
      set.name, entry.name, entry.target.string(), pair.input.width(), pair.input.height(),
      pair.input.channels(), pair.target.width(), pair.target.height(), pair.target.channels());
  return pair;
}

SetHashes hash_set(const PairSet& set) {
  SetHashes hashes;
  std::vector<std::string> targets;
  std::vector<std::string> inputs;
  for (const auto& entry : set.entries) {
    const std::string input_stem = entry.input.stem().string();
    if (entry.target.empty()) {
      hashes.scenes.push_back(hex(stable_hash(input_stem)));
      targets.push_back(input_stem);
      inputs.push_back(input_stem + ' ' + file_hash(entry.input));
      continue;
    }
    const std::string target_stem = entry.target.stem().string();
    hashes.scenes.push_back(file_hash(entry.target));
    targets.push_back(target_stem + ' ' + hashes.scenes.back());
    inputs.push_back(entry.input.empty()
                         ? fmt::format("{} {} seed {}", target_stem, set.degradation, set.seed)
                         : input_stem + ' ' + file_hash(entry.input));
  }
  std::sort(targets.begin(), targets.end());
  std::sort(inputs.begin(), inputs.end());
  hashes.targets = hex(stable_hash(join(targets, "\n")));
  hashes.inputs = hex(stable_hash(join(inputs, "\n")));
  return hashes;
}

}  // namespace chiaro::eval
