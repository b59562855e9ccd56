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
#include "chiaro/restore/restorer.h"

namespace chiaro::cli {

/// Below this change, a root mean square in levels of 255, nobody sees a difference.
inline constexpr double kHardlyLevels = 0.5;

/// A picture before it is restored: enough to see afterwards how much has changed.
class Before {
 public:
  explicit Before(const image::Image& picture);
  /// The root mean square of the differences in levels of 255, of some 2^18 values spread evenly,
  /// or of all where there are fewer; absent where the sides or channels are others.
  std::optional<double> change_levels(const image::Image& result) const;
  /// Whether `result` shows the very same 8-bit levels, in the same size.
  bool same_levels(const image::Image& result) const;
  /// Whether it is the same picture: left alone by the guard or a strength of 0, or of 8 bits and
  /// with the same levels.
  bool same_picture(const image::Image& result, const restore::RestoreReport& report) const;

 private:
  bool same_shape(const image::Image& result) const;

  std::uint64_t hash_;
  std::vector<float> values_;  // every stride_-th
  std::size_t stride_;
  int channels_;
  int height_;
  int width_;
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
  void found_same(const std::filesystem::path& input);
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
