#include "chiaro/restore/stored_rows.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/wide.h"
#include "chiaro/image/indices.h"
#include "chiaro/image/levels.h"

namespace chiaro::restore {
namespace {

using image::as_size;
using image::SampleType;

std::size_t bytes_of(SampleType type) {
  return type == SampleType::U8 ? 1 : type == SampleType::U16 ? 2 : sizeof(float);
}

template <typename Sample>
constexpr float kLargest = sizeof(Sample) == 1 ? 255.0F : 65535.0F;

template <typename Sample>
[[gnu::always_inline]] inline void unpack(const Sample* samples, std::size_t count, float* values) {
  for (std::size_t i = 0; i < count; ++i)
    values[i] = static_cast<float>(samples[i]) / kLargest<Sample>;
}

CHIARO_WIDE void pack_16(const float* values, std::size_t count, std::uint16_t* samples) {
  // Written so that NaN becomes 0.
  for (std::size_t i = 0; i < count; ++i)
    samples[i] = static_cast<std::uint16_t>(
        (values[i] > 0.0F ? std::min(values[i], 1.0F) : 0.0F) * kLargest<std::uint16_t> + 0.5F);
}
CHIARO_WIDE void unpack_8(const std::uint8_t* samples, std::size_t count, float* values) {
  unpack(samples, count, values);
}
CHIARO_WIDE void unpack_16(const std::uint16_t* samples, std::size_t count, float* values) {
  unpack(samples, count, values);
}

void store(SampleType type, const float* values, std::size_t count, std::byte* out) {
  if (type == SampleType::U8)
    return image::levels_of(values, count, reinterpret_cast<std::uint8_t*>(out));
  if (type == SampleType::U16) return pack_16(values, count, reinterpret_cast<std::uint16_t*>(out));
  std::memcpy(out, values, count * sizeof(float));
}

void load(SampleType type, const std::byte* from, std::size_t count, float* values) {
  if (type == SampleType::U8)
    return unpack_8(reinterpret_cast<const std::uint8_t*>(from), count, values);
  if (type == SampleType::U16)
    return unpack_16(reinterpret_cast<const std::uint16_t*>(from), count, values);
  std::memcpy(values, from, count * sizeof(float));
}

}  // namespace

StoredRows::StoredRows(SampleType type, int channels, int width, int most)
    : type_(type),
      channels_(channels),
      width_(width),
      sample_bytes_(bytes_of(type)),
      row_bytes_(as_size(channels) * as_size(width) * sample_bytes_),
      bytes_(as_size(most) * row_bytes_) {}

std::int64_t StoredRows::row_bytes(SampleType type, int channels, int width) {
  return std::int64_t{channels} * width * static_cast<std::int64_t>(bytes_of(type));
}

std::byte* StoredRows::at(int channel, int y, int x) {
  return const_cast<std::byte*>(std::as_const(*this).at(channel, y, x));
}

const std::byte* StoredRows::at(int channel, int y, int x) const {
  return bytes_.data() + as_size(y - begin_) * row_bytes_ +
         (as_size(channel) * as_size(width_) + as_size(x)) * sample_bytes_;
}

void StoredRows::move_to(int begin) {
  CHIARO_CHECK(begin >= begin_, Internal, "[restore.StoredRows] row {} has been forgotten, {} not",
               begin, begin_);
  const int kept = std::max(0, end_ - begin);
  if (kept > 0) std::memmove(bytes_.data(), at(0, begin, 0), as_size(kept) * row_bytes_);
  begin_ = begin;
  end_ = begin + kept;
}

void StoredRows::extend(int rows) {
  end_ += rows;
  CHIARO_CHECK(as_size(end_ - begin_) * row_bytes_ <= bytes_.size(), Internal,
               "[restore.StoredRows] {} rows have no place", end_ - begin_);
}

void StoredRows::add(const image::Image& strip) {
  const int y = end_;
  extend(strip.height());
  const std::size_t width = as_size(strip.width());
  for (int c = 0; c < channels_; ++c) {
    for (int row = 0; row < strip.height(); ++row)
      write(c, y + row, 0, strip.plane(c).subspan(as_size(row) * width, width));
  }
}

void StoredRows::copy_to(image::Image& window, int y, int x) const {
  const std::size_t width = as_size(window.width());
  for (int c = 0; c < window.channels(); ++c) {
    float* values = window.plane(c).data();
    for (int row = 0; row < window.height(); ++row, values += width)
      load(type_, at(c, y + row, x), width, values);
  }
}

void StoredRows::expect_place(int y, int x, std::size_t count) const {
  CHIARO_CHECK(y >= begin_ && y < end_ && x >= 0 && as_size(x) + count <= as_size(width_), Internal,
               "[restore.StoredRows] {} pixels at {}, {} have no place", count, x, y);
}

void StoredRows::read(int channel, int y, int x, std::span<float> values) const {
  expect_place(y, x, values.size());
  load(type_, at(channel, y, x), values.size(), values.data());
}

void StoredRows::write(int channel, int y, int x, std::span<const float> values) {
  expect_place(y, x, values.size());
  store(type_, values.data(), values.size(), at(channel, y, x));
}

}  // namespace chiaro::restore
