#include "apps/cli/untouched.h"

#include <algorithm>

#include "chiaro/base/files.h"

namespace chiaro::cli {
namespace {

/// Of what the pixels are in 8 bits.
std::uint64_t levels_hash(const image::Image& picture) {
  constexpr std::uint64_t kPrime = 0x100000001b3ULL;
  std::uint64_t hash = 0;
  for (const float value : picture.pixels()) {
    const float level = (value > 0 ? std::min(value, 1.0F) : 0.0F) * 255 + 0.5F;  // NaN is 0
    hash = (hash + static_cast<std::uint64_t>(level)) * kPrime;
  }
  return hash;
}

}  // namespace

Before::Before(const image::Image& picture)
    : hash_(levels_hash(picture)),
      channels_(picture.channels()),
      height_(picture.height()),
      width_(picture.width()) {}

bool Before::same_levels(const image::Image& result) const {
  return channels_ == result.channels() && height_ == result.height() && width_ == result.width() &&
         hash_ == levels_hash(result);
}

bool Before::same_picture(const image::Image& result, const restore::RestoreReport& report) const {
  const bool left_alone = report.strength == 0 && channels_ == result.channels() &&
                          height_ == result.height() && width_ == result.width();
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
  entries_[input].same = true;
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
