// Pictures of several pages: TIFF files, of which every page is a picture of its own, with its own
// size, depth and metadata.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "chiaro/image/codec.h"
#include "chiaro/image/image.h"
#include "chiaro/image/strips.h"

namespace chiaro::image {

struct OpenedPicture;

/// Reads a picture file page by page. A file that is no TIFF, or cannot be read, counts as one
/// page: reading it says what is wrong.
class PageReader {
 public:
  explicit PageReader(const std::filesystem::path& path);
  /// The bytes must outlive it.
  PageReader(std::span<const std::byte> bytes, std::string name);

  const std::string& name() const { return name_; }
  int count() const { return static_cast<int>(numbers_.size()); }
  /// Reduced copies of pages, and masks: not counted, and not read.
  int left_aside() const { return aside_; }
  /// Whether the last page leads to another that is not in the file.
  bool cut_off() const { return cut_off_; }

  /// Page from 0. Errors: as read.
  Frame frame(int page) const;
  Image read(int page) const;
  StripReader strips(int page, Notes notes = Notes::Said) const;

 private:
  OpenedPicture open(int page) const;
  void find_pages(std::span<const std::byte> file);

  std::filesystem::path path_;
  std::span<const std::byte> bytes_;
  std::string name_;
  std::vector<int> numbers_ = {0};  // in the file, of the pages that count
  int aside_ = 0;
  bool cut_off_ = false;
};

/// A TIFF that grows page by page: in a file under a temporary name, which is gone again without
/// commit, or in memory.
class PageWriter {
 public:
  /// `pages`: what is to come, from which follows whether the file may need more than 4 GiB
  /// (BigTIFF). An empty target: into memory. Errors: Output.
  PageWriter(const std::filesystem::path& target, std::span<const Frame> pages,
             const WriteOptions& options);
  /// The same, of a number of pages that take as many bytes at most together (see bytes_at_most):
  /// frames hold metadata, which of all pages may be large.
  PageWriter(const std::filesystem::path& target, int pages, std::int64_t bytes_at_most,
             const WriteOptions& options);
  static std::int64_t bytes_at_most(const Frame& page, const WriteOptions& options);
  ~PageWriter();
  PageWriter(const PageWriter&) = delete;
  PageWriter& operator=(const PageWriter&) = delete;

  /// Coded as write would. Errors: Output; Usage.
  void add(const Image& page);
  /// As write_strips, into a further file beside the target meanwhile. Errors: as write_strips;
  /// Usage (in memory).
  void add_strips(const Frame& page, const std::function<Image()>& next);

  /// What is written so far; of a file, mapped.
  void with_bytes(const std::function<void(std::span<const std::byte>)>& work) const;
  /// The file takes its name. Errors: Output; Usage (in memory).
  void commit();

 private:
  struct Store;
  std::unique_ptr<Store> store_;
};

}  // namespace chiaro::image
