#include "apps/cli/untouched.h"

#include "chiaro/base/files.h"

namespace chiaro::cli {
bool Before::same_picture(const image::Image& result, const restore::RestoreReport& report) const {
  const bool left_alone = report.strength == 0 && levels_.same_sides(result);
  return left_alone || (result.sample_type == image::SampleType::U8 && same_levels(result));
}

bool file_will_do(const RestoreArguments& arguments, const image::Image& result,
                  const std::string& format) {
  const image::WriteOptions& write = arguments.write;
  return format == result.metadata.source_format && write.quality == 0 &&
         write.depth == image::Depth::Source && !write.strip_metadata && write.restore_profile &&
         arguments.options.alpha == restore::AlphaMode::Keep && arguments.region.empty();
}

void UntouchedFiles::reading(const std::filesystem::path& input) {
  const FileState state = file_state(input);
  const std::lock_guard lock(mutex_);
  entries_[input] = {state};
}

void UntouchedFiles::found_same(const std::filesystem::path& input) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(input);
  if (found != entries_.end()) found->second.same = true;
}

void UntouchedFiles::forget(const std::filesystem::path& input) {
  const std::lock_guard lock(mutex_);
  entries_.erase(input);
}

std::optional<std::vector<std::byte>> UntouchedFiles::take(const std::filesystem::path& input,
                                                           bool wanted) {
  Entry entry;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(input);
    if (found == entries_.end()) return std::nullopt;
    entry = found->second;
    entries_.erase(found);
  }
  if (!entry.same || !wanted) return std::nullopt;
  auto bytes = read_file(input);
  expect_unchanged(input, entry.state);
  return bytes;
}

}  // namespace chiaro::cli
