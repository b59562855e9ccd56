#include "chiaro/image/strips.h"

#include <unistd.h>
#include <vips/vips.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/image/encoding.h"
#include "chiaro/image/exr_read.h"
#include "chiaro/image/exr_write.h"
#include "chiaro/image/metadata_embed.h"
#include "chiaro/image/metadata_read.h"
#include "chiaro/image/pages.h"
#include "chiaro/image/resolution.h"
#include "chiaro/image/row_decoder.h"
#include "chiaro/image/strip_memory.h"
#include "chiaro/image/tiff_folders.h"
#include "chiaro/image/turned_rows.h"
#include "chiaro/image/upright.h"
#include "chiaro/image/vips_encode.h"

namespace chiaro::image {
namespace {

namespace fs = std::filesystem;

bool states(VipsImage* header, const char* field) {
  int value = 0;
  return vips_image_get_typeof(header, field) != 0 &&
         vips_image_get_int(header, field, &value) == 0 && value != 0;
}

std::string obstacle_of(const OpenedPicture& picture) {
  const std::string& format = picture.type.format;
  static const std::vector<std::string> kFromTheTop{"png", "jpeg", "tiff", "ppm",
                                                    "pfm", "exr",  "hdr"};
  if (std::ranges::find(kFromTheTop, format) == kFromTheTop.end())
    return format + " is decoded as a whole";
  // What the loaders of libvips say of files whose rows do not come in order.
  if (states(picture.header.get(), "interlaced") || states(picture.header.get(), "jpeg-multiscan"))
    return "it is interlaced (progressive)";
  constexpr std::int64_t kMostOfTiles = 64 << 20;
  int tile_rows = 0;
  if (vips_image_get_typeof(picture.header.get(), kExrTileRows) != 0 &&
      vips_image_get_int(picture.header.get(), kExrTileRows, &tile_rows) == 0 &&
      std::int64_t{tile_rows} *
              static_cast<std::int64_t>(VIPS_IMAGE_SIZEOF_LINE(picture.header.get())) >
          kMostOfTiles)
    return fmt::format("its tiles are {} rows high, and a row of them is too much", tile_rows);
  return "";
}

/// Rows packed as the file wants them, kept only as long as somebody may ask for them.
class PackedRows {
 public:
  PackedRows(const Encoding& encoding, const std::function<Image()>& next, int looked_back)
      : encoding_(encoding), next_(next), looked_back_(looked_back) {}

  /// Of the strips that came.
  const Beyond& beyond() const { return beyond_; }

  /// Any thread; rows ascend, but for `looked_back`.
  void write(int y, int x, int count, unsigned char* out) {
    const std::lock_guard lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);  // threads of libvips come again
    try {
      while (y >= end_) take_strip();
    } catch (...) {
      failure_ = std::current_exception();
      throw;
    }
    const auto found = std::ranges::find_if(strips_, [&](const Strip& s) { return y < s.end; });
    CHIARO_CHECK(found != strips_.end() && y >= found->begin, Internal,
                 "[image.write_strips] row {} is not kept any more", y);
    const std::size_t pixel = encoding_.row_bytes() / static_cast<std::size_t>(encoding_.width);
    const unsigned char* row =
        found->bytes.data() + static_cast<std::size_t>(y - found->begin) * encoding_.row_bytes();
    std::copy_n(row + static_cast<std::size_t>(x) * pixel, static_cast<std::size_t>(count) * pixel,
                out);
  }

 private:
  struct Strip {
    int begin = 0;
    int end = 0;
    std::vector<unsigned char> bytes;
  };

  void take_strip() {
    std::vector<unsigned char> bytes;  // of one that is left, or they would leave holes in the heap
    while (!strips_.empty() && strips_.front().end <= end_ - looked_back_) {
      bytes = std::move(strips_.front().bytes);
      strips_.pop_front();
    }
    const Image picture = next_();
    if (encoding_.from_floats) count_beyond(picture.pixels(), beyond_);
    CHIARO_CHECK(picture.channels() == encoding_.channels && picture.width() == encoding_.width &&
                     picture.height() > 0 && end_ + picture.height() <= encoding_.height,
                 Internal, "[image.write_strips] a strip of {} channels, {}x{} does not fit",
                 picture.channels(), picture.width(), picture.height());
    const SampleRows rows(picture, encoding_.layout, encoding_.conversion.get());
    Strip strip{end_, end_ + picture.height(), std::move(bytes)};
    strip.bytes.resize(encoding_.row_bytes() * static_cast<std::size_t>(picture.height()));
    for (int y = 0; y < picture.height(); ++y) {
      rows.write(y, 0, encoding_.width,
                 strip.bytes.data() + static_cast<std::size_t>(y) * encoding_.row_bytes());
    }
    end_ = strip.end;
    strips_.push_back(std::move(strip));
  }

  const Encoding& encoding_;
  const std::function<Image()>& next_;
  int looked_back_;
  Beyond beyond_;
  std::mutex mutex_;
  std::deque<Strip> strips_;
  int end_ = 0;  // of the rows that came so far
  std::exception_ptr failure_ = nullptr;
};

/// Where libvips writes a PNG or JPEG: metadata go in behind the first bytes as they pass by.
class HeadedTarget {
 public:
  HeadedTarget(AtomicFile& file, const Encoding& encoding) : file_(file), encoding_(encoding) {}

  VipsTargetPointer open() {
    VipsTargetCustom* target = vips_target_custom_new();
    g_signal_connect(target, "write", G_CALLBACK(on_write), this);
    return VipsTargetPointer(VIPS_TARGET(target));
  }

  /// After saving. Errors: what writing met.
  void finish() {
    if (failure_) std::rethrow_exception(failure_);
    if (!head_written_) write_head();
    if (encoding_.options.format == "png") write_png_end();
  }

  bool failed() const { return failure_ != nullptr; }

 private:
  static constexpr std::size_t kHead = 1024;  // more than embed_metadata looks at

  static gint64 on_write(VipsTargetCustom*, const void* data, gint64 length, void* self) {
    return static_cast<HeadedTarget*>(self)->take(
        {static_cast<const std::byte*>(data), static_cast<std::size_t>(length)});
  }

  gint64 take(std::span<const std::byte> bytes) {
    try {
      if (head_written_) {
        write(bytes);
      } else {
        head_.insert(head_.end(), bytes.begin(), bytes.end());
        if (head_.size() >= kHead) write_head();
      }
      return static_cast<gint64>(bytes.size());
    } catch (...) {
      failure_ = std::current_exception();
      errno = EIO;
      return -1;
    }
  }

  void write_head() {
    write(embed_metadata(encoding_.options.format, head_, encoding_.metadata));
    head_written_ = true;
    head_ = {};
  }

  void write_png_end() {
    const auto end = png_end(encoding_.metadata);
    if (end.empty()) return;
    file_.overwrite(size_ - kPngEnd, std::span(end).first(kPngEnd));
    file_.write(std::span(end).subspan(kPngEnd));
  }

  void write(std::span<const std::byte> bytes) {
    file_.write(bytes);
    size_ += bytes.size();
  }

  AtomicFile& file_;
  const Encoding& encoding_;
  std::vector<std::byte> head_;
  bool head_written_ = false;
  std::size_t size_ = 0;  // of what was written
  std::exception_ptr failure_ = nullptr;
};

void save_headed(AtomicFile& file, const Encoding& encoding, const PixelWriter& pixels) {
  HeadedTarget target(file, encoding);
  const VipsTargetPointer opened = target.open();
  try {
    save_through_vips(encoding, pixels, opened.get());
  } catch (...) {
    if (target.failed()) target.finish();  // a full disk says more than what libvips makes of it
    throw;
  }
  target.finish();
}

/// libvips does not tell a disk that takes no more (full, over a quota, broken) from other faults;
/// another write does. Errors: Output.
void expect_room(AtomicFile& file) {
  ::lseek(file.descriptor(), 0, SEEK_END);
  file.write(std::vector<std::byte>(std::size_t{1} << 20));
}

void save_tiff(AtomicFile& file, const Encoding& encoding, const PixelWriter& pixels) {
  const VipsTargetPointer target(vips_target_new_to_file(file.temporary_name().c_str()));
  CHIARO_CHECK(target, Output, "[image.write_strips] cannot write '{}': {}",
               file.temporary_name().string(), take_vips_error());
  try {
    save_through_vips(encoding, pixels, target.get());
  } catch (const Error& error) {
    if (error.code() == ErrorCode::Internal) expect_room(file);
    throw;
  }
  if (const auto patch = lacking_unit(MappedFile(file.temporary_name()).bytes(), encoding.metadata))
    file.overwrite(patch->at, patch->bytes);
  const MappedFile coded(file.temporary_name());
  const auto addition =
      addition_to_tiff(coded.bytes(), encoding.metadata.exif, tiff_blocks(encoding.metadata.iptc));
  if (addition.tail.empty()) return;
  ::lseek(file.descriptor(), 0, SEEK_END);
  file.write(std::as_bytes(std::span(addition.tail)));
  file.overwrite(addition.start.at, addition.start.bytes);
}

void save_netpbm(AtomicFile& file, const Encoding& encoding, const PixelWriter& pixels) {
  const std::string header = netpbm_header(encoding);
  file.write(std::as_bytes(std::span(header)));
  std::vector<unsigned char> row(encoding.row_bytes());
  for (int y = 0; y < encoding.height; ++y) {
    pixels(y, 0, encoding.width, row.data());
    order_netpbm_row(encoding, row.data());
    file.write(std::as_bytes(std::span(row)));
  }
}

void save_strips(AtomicFile& file, const Frame& frame, const WriteOptions& options,
                 const std::function<Image()>& next) {
  Encoding encoding = plan_encoding(frame, options);
  encoding.in_strips = true;
  start_vips();
  PackedRows rows(encoding, next, rows_looked_back(encoding));
  const PixelWriter pixels = [&](int y, int x, int count, unsigned char* out) {
    rows.write(y, x, count, out);
  };
  const std::string& format = encoding.options.format;
  if (format == "ppm") {
    save_netpbm(file, encoding, pixels);
  } else if (format == "tiff") {
    save_tiff(file, encoding, pixels);
  } else if (format == "exr") {
    write_exr(encoding, pixels, file);
  } else {
    save_headed(file, encoding, pixels);
  }
  warn_of_lost_range(encoding, rows.beyond());
}

WriteOptions complete(const fs::path& path, WriteOptions options) {
  if (options.format.empty()) options.format = format_of_extension(path.extension().string());
  CHIARO_CHECK(can_write_strips(options.format), Usage,
               "[image.write_strips] '{}' cannot be written in strips; got the format '{}'; "
               "expected png, jpeg, tiff, ppm, exr or hdr",
               path.string(), options.format);
  return options;
}

}  // namespace

Frame frame_of(const Image& picture) {
  return {picture.channels(),
          picture.height(),
          picture.width(),
          !picture.alpha.empty(),
          picture.sample_type,
          picture.metadata,
          picture.sample_type == SampleType::F32 || !picture.metadata.icc.empty()};
}

struct StripReader::State {
  OpenedPicture picture;
  RowDecoder rows;
  TurnedRows upright;
  Frame frame;
  std::string obstacle;
  int y = 0;
  std::vector<float> decoded;  // rows on their way; kept, or they would leave holes in the heap

  State(OpenedPicture opened, const ReadOptions& options, Notes notes)
      : picture(std::move(opened)),
        rows(picture, options, notes),
        upright(rows, picture.name, notes),
        obstacle(obstacle_of(picture)) {
    frame = {rows.channels(),    upright.height(), upright.width(),   rows.has_alpha(),
             rows.sample_type(), rows.metadata(),  rows.may_exceed(), rows.exact()};
    if (transposes(rows.orientation()))
      std::swap(frame.metadata.x_pixels_per_mm, frame.metadata.y_pixels_per_mm);
    frame.held_bytes = strip_reader_bytes(picture);
  }
};

StripReader::StripReader(std::unique_ptr<State> state) : state_(std::move(state)) {}

StripReader PageReader::strips(int page, Notes notes) const {
  return StripReader(std::make_unique<StripReader::State>(open(page), ReadOptions{}, notes));
}

StripReader::StripReader(const fs::path& path, const ReadOptions& options, Notes notes)
    : state_(std::make_unique<State>(open_picture(path), options, notes)) {}
StripReader::~StripReader() = default;
StripReader::StripReader(StripReader&&) noexcept = default;
StripReader& StripReader::operator=(StripReader&&) noexcept = default;

const Frame& StripReader::frame() const {
  return state_->frame;
}

const std::string& StripReader::obstacle() const {
  return state_->obstacle;
}

bool StripReader::restart() {
  if (!state_->upright.can_restart()) return false;
  state_->y = 0;
  return true;
}

int StripReader::rows_left() const {
  return state_->frame.height - state_->y;
}

Image StripReader::next(int wanted) {
  State& state = *state_;
  CHIARO_CHECK(state.obstacle.empty(), Usage, "[image.read] '{}' cannot be read in strips: {}",
               state.picture.name, state.obstacle);
  const int count = std::min(wanted, rows_left());
  if (count <= 0) return {};
  const Frame& frame = state.frame;
  Image strip(frame.channels, count, frame.width);
  if (frame.has_alpha) strip.alpha.resize(strip.plane_size());
  strip.sample_type = frame.sample_type;
  const auto width = static_cast<std::size_t>(frame.width);
  const std::size_t stride = state.rows.bands() * width;
  constexpr int kRows = 16;  // decoded together
  std::vector<float>& rows = state.decoded;
  rows.resize(stride * static_cast<std::size_t>(std::min(kRows, frame.height)));
  for (int y = 0; y < count; ++y, ++state.y) {
    const int row = y % kRows;
    if (row == 0) state.upright.decode(state.y, std::min(kRows, count - y), rows.data());
    const float* planes = rows.data() + static_cast<std::size_t>(row) * stride;
    const std::size_t at = static_cast<std::size_t>(y) * width;
    for (int c = 0; c < frame.channels; ++c, planes += width)
      std::copy_n(planes, width, strip.plane(c).data() + at);
    if (frame.has_alpha) std::copy_n(planes, width, strip.alpha.data() + at);
  }
  return strip;
}

bool can_write_strips(const std::string& format) {
  static const std::vector<std::string> kWritten{"png", "jpeg", "tiff", "ppm", "exr", "hdr"};
  return std::ranges::find(kWritten, format) != kWritten.end();
}

void write_strips(const fs::path& path, const Frame& frame, const WriteOptions& options,
                  const std::function<Image()>& next,
                  const std::function<void(std::span<const std::byte>)>& approve) {
  const WriteOptions chosen = complete(path, options);
  AtomicFile file(path, options.existing);
  save_strips(file, frame, chosen, next);
  if (approve) approve(MappedFile(file.temporary_name()).bytes());
  file.commit();
}

void code_strips(const fs::path& path, const Frame& frame, const WriteOptions& options,
                 const std::function<Image()>& next,
                 const std::function<void(const fs::path&)>& take) {
  AtomicFile file(path);
  save_strips(file, frame, options, next);
  take(file.temporary_name());
}

}  // namespace chiaro::image
