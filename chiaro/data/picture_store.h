// Decoded pictures by number, kept in memory up to a limit. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "chiaro/image/image.h"

namespace chiaro::data {

class PictureStore {
 public:
  /// max_bytes bounds the decoded pictures kept; beyond it pictures are decoded again at each use.
  explicit PictureStore(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  /// The number under which a file is known from now on; the same file keeps its number.
  std::int64_t add(const std::filesystem::path& file);

  const std::filesystem::path& path(std::int64_t number) const {
    return files_.at(static_cast<std::size_t>(number));
  }

  /// All that are known.
  const std::vector<std::filesystem::path>& files() const { return files_; }

  /// Notes that a file, known from now on, cannot be read; for a caller that has tried. Not while
  /// other threads use the store.
  void note_broken(const std::filesystem::path& file) { broken_.emplace(add(file), true); }

  /// Height and width, without decoding where possible; nullopt for a broken file.
  struct Size {
    int height;
    int width;
  };
  std::optional<Size> size(std::int64_t number);

  /// The rectangle (y, x, height, width) of a picture as RGB; nullopt for a broken file, which is
  /// named once in the log and counted.
  std::optional<image::Image> crop(std::int64_t number, int y, int x, int height, int width);

  /// Files found broken so far.
  std::vector<std::filesystem::path> broken() const;

 private:
  /// 8-bit planar RGB: a quarter of the memory of float. 16-bit and float sources lose depth here
  /// (a choice: training pictures are 8-bit throughout the field).
  struct Stored {
    int height = 0;
    int width = 0;
    std::vector<std::uint8_t> pixels;  // (3,H,W)
  };
  std::shared_ptr<const Stored> fetch(std::int64_t number);  // null: broken

  std::size_t max_bytes_;
  std::vector<std::filesystem::path> files_;
  std::map<std::filesystem::path, std::int64_t> numbers_;
  mutable std::mutex mutex_;
  std::size_t kept_bytes_ = 0;
  std::map<std::int64_t, std::shared_ptr<const Stored>> kept_;
  std::map<std::int64_t, Size> sizes_;
  std::map<std::int64_t, bool> broken_;
};

}  // namespace chiaro::data
