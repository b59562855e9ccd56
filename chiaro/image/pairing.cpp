#include "chiaro/image/pairing.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/text.h"

namespace chiaro::image {
namespace {

namespace fs = std::filesystem;
using ByStem = std::map<std::string, fs::path>;

struct SuffixRule {
  std::string input;
  std::string target;
};

const std::array<SuffixRule, 5> kKnownSuffixes = {{{"_real", "_mean"},
                                                   {"_lq", "_gt"},
                                                   {"_low", "_high"},
                                                   {"_noisy", "_clean"},
                                                   {"_input", "_target"}}};

ByStem by_stem(const std::vector<fs::path>& files, const std::string& what,
               const std::string& suffix) {
  ByStem result;
  for (const auto& file : files) {
    const std::string stem = file.stem().string();
    if (!suffix.empty() && !stem.ends_with(suffix)) continue;
    const auto [found, inserted] = result.emplace(stem, file);
    CHIARO_CHECK(inserted, Input, "[image.pair_files] {}: '{}' and '{}' have the same stem", what,
                 found->second.string(), file.string());
  }
  return result;
}

std::optional<std::string> replace_suffix(const std::string& stem, const SuffixRule& rule) {
  if (!stem.ends_with(rule.input)) return std::nullopt;
  return stem.substr(0, stem.size() - rule.input.size()) + rule.target;
}

/// The stem of the target that belongs to an input under the automatic rule.
std::optional<std::string> automatic_target(const std::string& stem, const ByStem& targets) {
  if (targets.contains(stem)) return stem;
  const auto underscore = stem.rfind('_');
  if (underscore != std::string::npos && targets.contains(stem.substr(0, underscore)))
    return stem.substr(0, underscore);
  for (const auto& rule : kKnownSuffixes) {
    const auto target = replace_suffix(stem, rule);
    if (target && targets.contains(*target)) return target;
  }
  return std::nullopt;
}

SuffixRule parse_rule(std::string rule) {
  constexpr std::string_view kStem = "{}";
  const bool is_template = rule.starts_with(kStem);
  if (is_template && rule.find(':') == std::string::npos) rule += ":{}";
  for (auto at = rule.find(kStem); is_template && at != std::string::npos; at = rule.find(kStem))
    rule.erase(at, kStem.size());
  const auto colon = rule.find(':');
  CHIARO_CHECK(
      colon != std::string::npos && colon > 0, Usage,
      "[image.pair_files] cannot read the pairing rule; got '{}'; expected e.g. '_real:_mean' or "
      "'{{}}x4'",
      rule);
  return {rule.substr(0, colon), rule.substr(colon + 1)};
}

/// Without " (height,width,channels)" and what follows.
std::string_view without_shape(std::string_view line) {
  const auto begin = line.rfind(" (");
  if (begin == std::string_view::npos) return line;
  const auto end = line.find(')', begin);
  if (end == std::string_view::npos) return line;
  const std::string_view inner = line.substr(begin + 2, end - begin - 2);
  const bool shape = inner.find_first_not_of("0123456789,") == std::string_view::npos &&
                     std::ranges::count(inner, ',') == 2;
  return shape ? trim(line.substr(0, begin)) : line;
}

}  // namespace

std::vector<FilePair> pair_files(const std::vector<fs::path>& inputs,
                                 const std::vector<fs::path>& targets, const std::string& rule,
                                 const std::string& what, bool allow_unused_targets) {
  const SuffixRule suffixes = rule.empty() ? SuffixRule{} : parse_rule(rule);
  const ByStem input_stems = by_stem(inputs, what, suffixes.input);
  const ByStem target_stems = by_stem(targets, what, suffixes.target);
  std::vector<FilePair> pairs;
  std::set<std::string> used;
  for (const auto& [stem, file] : input_stems) {
    const auto target =
        rule.empty() ? automatic_target(stem, target_stems) : replace_suffix(stem, suffixes);
    CHIARO_CHECK(target && target_stems.contains(*target), Input,
                 "[image.pair_files] {}: no target for '{}'", what, file.string());
    used.insert(*target);
    pairs.push_back({file, target_stems.at(*target), *target});
  }
  for (const auto& [stem, file] : target_stems) {
    CHIARO_CHECK(allow_unused_targets || used.contains(stem), Input,
                 "[image.pair_files] {}: no input for target '{}'", what, file.string());
  }
  CHIARO_CHECK(!pairs.empty(), Input, "[image.pair_files] {}: no pairs found", what);
  return pairs;
}

std::vector<ListedFiles> read_list(const fs::path& list, const fs::path& root) {
  std::vector<ListedFiles> result;
  std::size_t number = 0;
  for (const auto& raw : split(read_text(list), '\n')) {
    ++number;
    std::string_view line = trim(raw);
    if (line.empty() || line.front() == '#') continue;
    if (line.find('\t') == std::string_view::npos) line = without_shape(line);
    ListedFiles listed{number, std::string(line), {}};
    for (const auto& part : split(line, '\t')) listed.files.push_back(root / trim(part));
    result.push_back(std::move(listed));
  }
  CHIARO_CHECK(!result.empty(), Input, "[image.read_list] '{}' lists nothing", list.string());
  return result;
}

void expect_listed(const ListedFiles& listed, const fs::path& list) {
  for (const auto& file : listed.files) {
    CHIARO_CHECK(fs::is_regular_file(file), Input,
                 "[image.read_list] line {} of '{}' names a missing file '{}'", listed.line,
                 list.string(), file.string());
  }
}

}  // namespace chiaro::image
