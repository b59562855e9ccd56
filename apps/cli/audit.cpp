#include "apps/cli/audit.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>
#include <string_view>

#include "apps/cli/events.h"
#include "apps/cli/restore_telling.h"
#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/text.h"

namespace chiaro::cli {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kBits = "bits per sample";
constexpr std::string_view kColours = "colours";
constexpr std::string_view kBeyond = "values outside 0 to 1";

/// What is no metadata: nobody who asks for those to be left out asks for this.
constexpr std::array kPictures{kColours,
                               "orientation"sv,
                               "further channels"sv,
                               "further pictures (pages)"sv,
                               "further pages"sv,
                               "further pictures (animation)"sv};

/// The flag by which one asks for the loss; "" where there is none.
std::string flag_for(const image::Trait& trait) {
  if (trait.name == kBits || trait.name == kBeyond) return "--depth";
  if (trait.name == "transparency") return "--alpha drop";
  return std::ranges::find(kPictures, trait.name) != kPictures.end() ? "" : "--strip";
}

/// Of the traits of a page of inks: that they become RGB, as is said when they are read, and that
/// their profile describes nothing any more. Who restores a picture of inks has no other way.
bool goes_with_inks(const image::Trait& trait, const std::set<int>& pages) {
  return pages.contains(trait.page) && (trait.name == kColours || trait.name == "ICC profile");
}

std::set<int> pages_of_inks(const std::vector<image::Trait>& traits) {
  std::set<int> pages;
  for (const image::Trait& trait : traits)
    if (trait.name == kColours && trait.before == "CMYK" && trait.after == "RGB")
      pages.insert(trait.page);
  return pages;
}

/// Whether the loss is that of the depth asked for, and not of a format that holds less.
bool got_the_depth(const image::Trait& trait, const RestoreArguments& arguments) {
  const image::Depth depth = arguments.write.depth;
  if (trait.name == kBeyond) return depth == image::Depth::U8 || depth == image::Depth::U16;
  return depth == image::Depth::U8 || (depth == image::Depth::U16 && trait.after.starts_with("16"));
}

bool asked_for(const image::Trait& trait, const RestoreArguments& arguments) {
  const std::string flag = flag_for(trait);
  if (flag == "--depth") return got_the_depth(trait, arguments);
  if (flag == "--alpha drop") return arguments.options.alpha == restore::AlphaMode::Drop;
  return flag == "--strip" && arguments.write.strip_metadata;
}

/// How to ask for what is missed; "" where no flag allows all of it.
std::string advice_for(const std::vector<image::Trait>& missed) {
  std::vector<std::string> flags;
  for (const image::Trait& trait : missed) flags.push_back(flag_for(trait));
  std::ranges::sort(flags);
  flags.erase(std::unique(flags.begin(), flags.end()), flags.end());
  return flags.empty() || flags.front().empty() ? "" : ", or " + join(flags, " and ");
}

/// Its name, and of a later page which.
std::string name_of(const image::Trait& trait) {
  return trait.page == 1 ? trait.name : fmt::format("page {}: {}", trait.page, trait.name);
}

/// The first few; all of them stand in the lines above.
std::string few(std::vector<std::string> names) {
  constexpr std::size_t kFew = 8;
  const std::size_t more = names.size() > kFew ? names.size() - kFew : 0;
  names.resize(names.size() - more);
  return join(names) + (more > 0 ? fmt::format(" and {} more", more) : "");
}

/// `why`: it may be lost; "" where nothing allows it.
std::string line_of(const image::Trait& trait, const std::string& why) {
  const bool other = trait.fate != image::Fate::Lost && trait.after != trait.before;
  const std::string after = other ? " -> " + trait.after : "";
  return fmt::format("  {:<8} {}: {}{}{}\n", image::fate_name(trait.fate), name_of(trait),
                     trait.before, after, why.empty() ? "" : " (" + why + ")");
}

}  // namespace

void audit(const std::string& input, std::span<const std::byte> result,
           const RestoreArguments& arguments, bool brief,
           const std::optional<image::Damage>& damage) {
  const auto traits = image::compare_files(MappedFile(input).bytes(), result);
  std::vector<image::Trait> missed;
  std::vector<std::string> names;
  Json rows = Json::array();
  std::string text = damage ? fmt::format("  damaged  {}\n", missing_text(*damage)) : "";
  const auto inks = pages_of_inks(traits);
  for (const image::Trait& trait : traits) {
    const bool kept = trait.fate == image::Fate::Kept;
    const std::string why = kept                          ? ""
                            : goes_with_inks(trait, inks) ? "inks are restored as RGB"
                            : asked_for(trait, arguments) ? "asked for by " + flag_for(trait)
                                                          : "";
    const bool asked = !why.empty();
    if (!kept && !asked) {
      missed.push_back(trait);
      names.push_back(name_of(trait));
    }
    rows.push_back({{"name", trait.name},
                    {"page", trait.page},
                    {"fate", image::fate_name(trait.fate)},
                    {"before", trait.before},
                    {"after", trait.after},
                    {"asked_for", asked}});
    if (!kept || !brief) text += line_of(trait, why);
  }
  const auto kept = std::ranges::count(traits, image::Fate::Kept, &image::Trait::fate);
  if (arguments.show.json) {
    Json event = {{"file", input},
                  {"kept", kept},
                  {"of", traits.size()},
                  {"sound", missed.empty()},
                  {"traits", rows}};
    if (damage) event.update(damage_json(*damage));
    print_event("audit", event);
  } else {
    fmt::print("{}: {} of {} kept\n{}", input, kept, traits.size(), text);
  }
  CHIARO_CHECK(missed.empty(), CheckFailed,
               "[cli.audit] '{}' would lose something: {}; expected a format that keeps it{}; "
               "nothing was written; without --audit it would be",
               input, few(names), advice_for(missed));
}

}  // namespace chiaro::cli
