#include "chiaro/image/turned_rows.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/image/upright.h"

namespace chiaro::image {
namespace {

namespace fs = std::filesystem;

constexpr int kSide = 64;  // of a square, in pixels

int squares_along(int length) {
  return (length + kSide - 1) / kSide;
}

std::string megabytes(std::uintmax_t bytes) {
  return fmt::format("{} MB", (bytes + 999'999) / 1'000'000);
}

/// All of the bytes, at this place of the file.
template <typename Call, typename Byte>
bool transfer(const Call& call, int file, Byte* bytes, std::size_t size, std::uint64_t at) {
  for (std::size_t done = 0; done < size;) {
    const ssize_t count = call(file, bytes + done, size - done, static_cast<off_t>(at + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return true;
}

}  // namespace

TurnedRows::TurnedRows(const RowDecoder& rows, std::string name, Notes notes)
    : rows_(rows), name_(std::move(name)) {
  const int orientation = rows.orientation();
  const UprightRows upright(orientation, rows.width(), rows.height());
  width_ = upright.width();
  height_ = upright.height();
  transposed_ = transposes(orientation);
  // EXIF 2.32, tag 0x0112: where the stored first row and the stored first column are.
  const bool row_first =
      orientation == 1 || orientation == 2 || orientation == 5 || orientation == 8;
  const bool column_first =
      orientation == 1 || orientation == 4 || orientation == 5 || orientation == 6;
  lines_reversed_ = transposed_ ? !column_first : !row_first;
  pixels_reversed_ = transposed_ ? !row_first : !column_first;
  std::error_code failed;
  folder_ = fs::temp_directory_path(failed);
  if (failed) folder_ = "/tmp";
  if (needs_file() && notes == Notes::Said) {
    spdlog::info("'{}' is stored turned: its pixels pass through a temporary file of {} in {}",
                 name_, megabytes(file_bytes()), folder_.string());
  }
}

bool TurnedRows::needs_file() const {
  return transposed_ || lines_reversed_;
}

std::uint64_t TurnedRows::file_bytes() const {
  const auto across = static_cast<std::uint64_t>(squares_along(rows_.width()));
  return across * static_cast<std::uint64_t>(squares_along(rows_.height())) * square_bytes();
}

TurnedRows::~TurnedRows() {
  if (file_ >= 0) ::close(file_);
}

std::size_t TurnedRows::square_bytes() const {
  return std::size_t{kSide} * kSide * rows_.pixel_bytes();
}

void TurnedRows::open_file() {
  const std::uint64_t size = file_bytes();
  std::error_code failed;
  const fs::space_info room = fs::space(folder_, failed);
  CHIARO_CHECK(
      failed || room.available >= size, Resource,
      "[image.read] '{}' is stored turned, and its pixels have to pass through a temporary "
      "file; got {} of free space in {}; expected {} (TMPDIR names another folder)",
      name_, megabytes(room.available), folder_.string(), megabytes(size));
  std::string path = folder_ / "chiaro-XXXXXX";
  file_ = ::mkostemp(path.data(), O_CLOEXEC);
  CHIARO_CHECK(file_ >= 0, Resource,
               "[image.read] '{}' is stored turned, and a temporary file cannot be made in {}: {} "
               "(TMPDIR names another folder)",
               name_, folder_.string(), std::strerror(errno));
  ::unlink(path.c_str());  // gone with this process, however that ends
}

void TurnedRows::spool() {
  open_file();
  std::vector<unsigned char> samples(static_cast<std::size_t>(kSide) *
                                     static_cast<std::size_t>(rows_.width()) * rows_.pixel_bytes());
  squares_.resize(static_cast<std::size_t>(squares_along(rows_.width())) * square_bytes());
  for (int y = 0; y < rows_.height(); y += kSide) {
    const int count = std::min(kSide, rows_.height() - y);
    rows_.fetch(y, count, samples.data());
    write_squares(y, count, samples);
  }
  std::vector<unsigned char>().swap(squares_);
}

void TurnedRows::write_squares(int y, int count, const std::vector<unsigned char>& samples) {
  const std::size_t pixel = rows_.pixel_bytes();
  const auto row = static_cast<std::size_t>(rows_.width()) * pixel;
  for (int square = 0; square < squares_along(rows_.width()); ++square) {
    const int x = square * kSide;
    const std::size_t part = static_cast<std::size_t>(std::min(kSide, rows_.width() - x)) * pixel;
    for (int k = 0; k < count; ++k) {
      std::copy_n(
          samples.data() + static_cast<std::size_t>(k) * row + static_cast<std::size_t>(x) * pixel,
          part,
          squares_.data() + static_cast<std::size_t>(square) * square_bytes() +
              static_cast<std::size_t>(k) * kSide * pixel);
    }
  }
  const std::uint64_t at = static_cast<std::uint64_t>(y / kSide) * squares_.size();
  CHIARO_CHECK(
      transfer(::pwrite, file_, squares_.data(), squares_.size(), at), Resource,
      "[image.read] '{}' is stored turned, and the temporary file in {} cannot be written: "
      "{}",
      name_, folder_.string(), std::strerror(errno));
}

void TurnedRows::load_band(int band) {
  const auto across = static_cast<std::size_t>(squares_along(rows_.width()));
  const auto down = static_cast<std::size_t>(squares_along(rows_.height()));
  const std::size_t count = transposed_ ? down : across;
  squares_.resize(count * square_bytes());
  bool whole = true;
  if (!transposed_) {
    whole = transfer(::pread, file_, squares_.data(), squares_.size(),
                     static_cast<std::uint64_t>(band) * squares_.size());
  } else {
    for (std::size_t i = 0; i < down && whole; ++i) {
      const std::uint64_t square = std::uint64_t{i} * across + static_cast<std::uint64_t>(band);
      whole = transfer(::pread, file_, squares_.data() + i * square_bytes(), square_bytes(),
                       square * square_bytes());
    }
  }
  CHIARO_CHECK(whole, Resource, "[image.read] '{}': the temporary file cannot be read again: {}",
               name_, std::strerror(errno));
  band_ = band;
}

/// Pixels of a stored row (transposed: column) in stored order.
void TurnedRows::take_line(int line, std::vector<unsigned char>& samples) const {
  const std::size_t pixel = rows_.pixel_bytes();
  const auto within = static_cast<std::size_t>(line % kSide);
  const auto length = static_cast<std::size_t>(width_);
  for (std::size_t i = 0; i < length; ++i) {
    const std::size_t square = i / kSide * square_bytes();
    const std::size_t place = transposed_ ? i % kSide * kSide + within : within * kSide + i % kSide;
    const std::size_t target = pixels_reversed_ ? length - 1 - i : i;
    std::copy_n(squares_.data() + square + place * pixel, pixel, samples.data() + target * pixel);
  }
}

void TurnedRows::decode(int y, int count, float* out) {
  if (!needs_file()) {
    rows_.decode(y, count, out);
    const auto width = static_cast<std::size_t>(width_);
    const std::size_t planes = static_cast<std::size_t>(count) * rows_.stride() / width;
    for (std::size_t p = 0; p < planes && pixels_reversed_; ++p)
      std::reverse(out + p * width, out + (p + 1) * width);
    return;
  }
  if (file_ < 0) spool();
  std::vector<unsigned char> samples(static_cast<std::size_t>(width_) * rows_.pixel_bytes());
  const std::size_t stride = samples.size() / rows_.pixel_bytes() * rows_.bands();
  for (int k = 0; k < count; ++k) {
    const int line = lines_reversed_ ? height_ - 1 - (y + k) : y + k;
    if (line / kSide != band_) load_band(line / kSide);
    take_line(line, samples);
    rows_.expand(samples.data(), static_cast<std::size_t>(width_),
                 out + static_cast<std::size_t>(k) * stride);
  }
}

}  // namespace chiaro::image
