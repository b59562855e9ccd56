// Pictures larger than memory: read from the top in strips, and written as strips come.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "chiaro/image/codec.h"
#include "chiaro/image/image.h"

namespace chiaro::image {

/// What is known of a picture before its pixels.
struct Frame {
  int channels = 0;  ///< 1 or 3
  int height = 0;
  int width = 0;
  bool has_alpha = false;
  SampleType sample_type = SampleType::U8;
  Metadata metadata = {};
  bool may_exceed = false;  ///< values outside [0,1] are possible: floats, or colours beyond sRGB
  /// Every value is k/255 or k/65535 for a whole k, as sample_type says: nothing was converted.
  bool exact = false;
  /// What a StripReader holds of the file beside the rows that it gives, in bytes, about.
  std::int64_t held_bytes = 0;
};

Frame frame_of(const Image& picture);

/// Whether opening a file says what is to be said of it (further pictures in it, an unusable
/// profile, CMYK): a file that is opened again says nothing new.
enum class Notes { Said, Unsaid };

/// Reads a picture file from the top of the upright picture, once. Holds no more than codec and
/// operating system need for a few rows.
class StripReader {
 public:
  /// Errors: as read.
  explicit StripReader(const std::filesystem::path& path, const ReadOptions& options = {},
                       Notes notes = Notes::Said);
  ~StripReader();
  StripReader(StripReader&&) noexcept;
  StripReader& operator=(StripReader&&) noexcept;

  const Frame& frame() const;

  /// Why this file cannot be read in strips, as the end of "… cannot be read in strips: "; ""
  /// where it can. Interlaced, or a format that is decoded as a whole.
  const std::string& obstacle() const;

  /// The next rows, at most `rows`, fewer at the end, none behind it: (C,rows,W) with alpha,
  /// without metadata. Upright; where that takes a temporary file, it is made at the first call.
  /// Errors: Input (damaged, truncated), Usage (there is an obstacle), Resource (no room for a
  /// temporary file).
  Image next(int rows);
  int rows_left() const;

  /// Begins anew without reading the file again; false where that cannot be done.
  bool restart();

 private:
  friend class PageReader;
  struct State;
  explicit StripReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Whether a format ("png", "tiff", …) can be written in strips.
bool can_write_strips(const std::string& format);

/// Memory that write_strips holds for a picture of this width and these samples, of 16 bits where
/// they are not floats, beside the strips it is given, about.
std::int64_t strip_writer_bytes(const Frame& frame);

/// As write (a JPEG of the same pixels, some per cent larger), of a picture whose rows come from
/// `next`, from the top: each call gives some rows, one at least, of the frame's width and
/// channels. It is called from one thread at a time, not always the same one. `approve`, if given,
/// sees the whole coded file before it takes the target's name; what it throws leaves the target as
/// it was. Errors: as write; Usage (the format cannot be written in strips); whatever `next` and
/// `approve` throw.
void write_strips(const std::filesystem::path& path, const Frame& frame,
                  const WriteOptions& options, const std::function<Image()>& next,
                  const std::function<void(std::span<const std::byte>)>& approve = {});

/// As write_strips, but `take` is told where the file is, beside `path`, and then it is gone.
/// options.format must be set.
void code_strips(const std::filesystem::path& path, const Frame& frame, const WriteOptions& options,
                 const std::function<Image()>& next,
                 const std::function<void(const std::filesystem::path&)>& take);

}  // namespace chiaro::image
