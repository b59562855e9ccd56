#include "apps/cli/index_completion.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <unordered_set>

#include "apps/cli/coding_report.h"
#include "apps/cli/interruption.h"
#include "chiaro/base/log.h"
#include "chiaro/engine/processor.h"
#include "chiaro/image/codec.h"
#include "chiaro/restore/batch.h"
#include "chiaro/restore/folder_codes.h"

namespace chiaro::cli {
namespace {

namespace fs = std::filesystem;

constexpr double kKeepEverySeconds = 60;

std::vector<restore::FolderPicture> missing_from(
    const restore::CodeIndex& index, const std::vector<restore::FolderPicture>& pictures) {
  std::unordered_set<std::string> known;
  for (const auto& row : index.rows()) known.insert(row.picture.name);
  std::vector<restore::FolderPicture> missing;
  std::ranges::copy_if(pictures, std::back_inserter(missing),
                       [&](const auto& picture) { return !known.contains(picture.name); });
  return missing;
}

restore::CodingSteps coding_steps(LateEncoder& encoder) {
  // The picture and a copy of it.
  return {.bytes = [](const fs::path& file) { return 2 * restore::picture_bytes(file, 1); },
          .look = [&](const fs::path& file) { return encoder.look(image::read(file)); },
          .encode = [&](const restore::CodeViews& views) { return encoder.codes(views); }};
}

void tell_remembered(const restore::CodeIndex& index, const CodedFolder& folder) {
  for (const auto& [picture, fault] : index.rows()) {
    if (fault.empty()) continue;
    spdlog::debug("known to be unreadable: {}", fault);
    if (folder.show.json) print_failed((folder.path / picture.name).string(), fault, true);
  }
}

/// Keeps what is new.
class Keeping {
 public:
  Keeping(const restore::CodeIndex& index, KeptCodes& kept)
      : index_(index),
        kept_(kept),
        rows_(index.rows().size()),
        at_(monotonic_s()),
        changed_(kept.is_stale()) {}

  void every_minute() {
    if (monotonic_s() - at_ > kKeepEverySeconds) now();
  }
  void now() {
    at_ = monotonic_s();
    if (failure_ || (!changed_ && rows_ == index_.rows().size())) return;
    try {
      kept_.keep(index_);
      rows_ = index_.rows().size();
      changed_ = false;
    } catch (const Error& error) {
      failure_ = error;
    }
  }
  const std::optional<Error>& failure() const { return failure_; }

 private:
  const restore::CodeIndex& index_;
  KeptCodes& kept_;
  std::size_t rows_;  // that the file has
  double at_;
  bool changed_;
  std::optional<Error> failure_;
};

}  // namespace

Coded complete_index(restore::CodeIndex& index, KeptCodes& kept, LateEncoder& encoder,
                     const CodedFolder& folder) {
  Coded coded{.from_index = index.rows().size() - index.faults(), .remembered = index.faults()};
  tell_remembered(index, folder);
  const auto missing = missing_from(index, folder.pictures);
  CodingReport report(missing.size(), folder.show);
  Keeping keeping(index, kept);
  bool finished = false;
  try {
    finished = restore::code_pictures(
        index, folder.path, missing, coding_steps(encoder),
        {.readers = folder.threads > 0 ? folder.threads : engine::available_cores()},
        {.done = [&] { report.done(); },
         .failed =
             [&](const restore::FolderPicture& picture, const Error& error) {
               report.failed((folder.path / picture.name).string(), error.what());
             },
         .keep_going =
             [&] {
               report.show_progress();
               keeping.every_minute();
               return !interrupted();
             }});
  } catch (...) {
    keeping.now();
    throw;
  }
  keeping.now();
  CHIARO_CHECK(
      finished, Interrupted, "[cli.retrieve] stopped by a signal{}",
      kept.file().empty() || keeping.failure()
          ? std::string()
          : fmt::format("; what is known of {} of {} pictures is kept in '{}'", index.rows().size(),
                        folder.pictures.size(), kept.file().string()));
  coded.computed = report.computed();
  coded.failed = report.failures() + coded.remembered;
  coded.unkept = keeping.failure();
  return coded;
}

}  // namespace chiaro::cli
