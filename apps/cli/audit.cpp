#include "apps/cli/audit.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "apps/cli/events.h"
#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/text.h"

namespace chiaro::cli {
namespace {

constexpr std::string_view kBits = "bits per sample";
constexpr std::string_view kBeyond = "values outside 0 to 1";

/// Whether a flag asked for just this.
bool asked_for(const image::Trait& trait, const RestoreArguments& arguments) {
  if (trait.name == kBits) return arguments.depth != "auto";
  if (trait.name == "transparency") return arguments.options.alpha == restore::AlphaMode::Drop;
  if (trait.name == kBeyond) return arguments.depth != "auto";
  if (trait.name == "colours" || trait.name == "orientation") return false;
  return arguments.write.strip_metadata;
}

/// Its name, and of a later page which.
std::string name_of(const image::Trait& trait) {
  return trait.page == 1 ? trait.name : fmt::format("page {}: {}", trait.page, trait.name);
}

std::string line_of(const image::Trait& trait) {
  const std::string_view arrow = trait.fate == image::Fate::Changed ? " -> " : "";
  return fmt::format("  {:<8} {}: {}{}{}\n", image::fate_name(trait.fate), name_of(trait),
                     trait.before, arrow, arrow.empty() ? "" : trait.after);
}

}  // namespace

void audit(const std::string& input, std::span<const std::byte> result,
           const RestoreArguments& arguments, bool brief) {
  const auto traits = image::compare_files(MappedFile(input).bytes(), result);
  std::vector<std::string> missed;
  Json rows = Json::array();
  std::string text;
  for (const image::Trait& trait : traits) {
    const bool kept = trait.fate == image::Fate::Kept;
    const bool asked = !kept && asked_for(trait, arguments);
    if (!kept && !asked) missed.push_back(name_of(trait));
    rows.push_back({{"name", trait.name},
                    {"page", trait.page},
                    {"fate", image::fate_name(trait.fate)},
                    {"before", trait.before},
                    {"after", trait.after},
                    {"asked_for", asked}});
    if (!kept || !brief) text += line_of(trait);
  }
  const auto kept = std::ranges::count(traits, image::Fate::Kept, &image::Trait::fate);
  if (arguments.show.json) {
    print_event("audit", {{"file", input},
                          {"kept", kept},
                          {"of", traits.size()},
                          {"sound", missed.empty()},
                          {"traits", rows}});
  } else {
    fmt::print("{}: {} of {} kept\n{}", input, kept, traits.size(), text);
  }
  const bool depth = std::ranges::any_of(missed, [](const std::string& name) {
    return name.ends_with(kBeyond) || name.ends_with(kBits);
  });
  CHIARO_CHECK(missed.empty(), CheckFailed,
               "[cli.audit] '{}' would lose something: {}; expected a format that keeps it, or "
               "--strip{}; nothing was written",
               input, join(missed),
               depth ? fmt::format(" (of {} and {}: --depth)", kBits, kBeyond) : "");
}

}  // namespace chiaro::cli
