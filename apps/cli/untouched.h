// Pictures in which nothing is to change stay the files they are: a JPEG that is coded once more,
// or a PNG that is packed anew, is no better for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "apps/cli/restore_arguments.h"
#include "chiaro/base/file_state.h"
#include "chiaro/image/image.h"
#include "chiaro/image/levels.h"
#include "chiaro/restore/restorer.h"

namespace chiaro::cli {

/// A picture before it is restored: enough to see afterwards whether anything has changed.
class Before {
 public:
  explicit Before(const image::Image& picture) : levels_(picture) {}
  /// Whether `result` shows the very same 8-bit levels, in the same size.
  bool same_levels(const image::Image& result) const { return levels_.same(result); }
  /// Whether it is the same picture: left alone by the guard or a strength of 0, or of 8 bits and
  /// with the same levels.
  bool same_picture(const image::Image& result, const restore::RestoreReport& report) const;

 private:
  image::LevelsDigest levels_;
};

/// Whether the source's file will do for a result that is the same picture: written in the same
/// format, and nothing was asked for that concerns the file (quality, depth, metadata, alpha, a
/// region).
bool file_will_do(const RestoreArguments& arguments, const image::Image& result,
                  const std::string& format);

/// The files of a batch in which nothing is to change. Called from several threads.
class UntouchedFiles {
 public:
  /// Before a file is read.
  void reading(const std::filesystem::path& input);
  /// Of one that is known.
  void found_same(const std::filesystem::path& input);
  void forget(const std::filesystem::path& input);
  /// The whole file where it was found to be the same, and forgets it. Errors: Input (changed since
  /// it was read).
  std::optional<std::vector<std::byte>> take(const std::filesystem::path& input, bool wanted);

 private:
  struct Entry {
    FileState state;
    bool same = false;
  };
  std::mutex mutex_;
  std::map<std::filesystem::path, Entry> entries_;
};

}  // namespace chiaro::cli
