#include "chiaro/train/event_file.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

#include "chiaro/base/error.h"

namespace chiaro::train {
namespace {

namespace fs = std::filesystem;

/// Fixed-width numbers are little-endian.
template <typename T>
std::string little_endian(T value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof(T); ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xff);
  return bytes;
}

// The wire format of protocol buffers: a field is its number and kind as varint, then its value.
std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7f) | 0x80);
  bytes += static_cast<char>(value);
  return bytes;
}

std::string key(std::uint32_t number, std::uint32_t kind) {
  return varint((number << 3) | kind);
}

std::string integer_field(std::uint32_t number, std::int64_t value) {
  return key(number, 0) + varint(static_cast<std::uint64_t>(value));
}

std::string double_field(std::uint32_t number, double value) {
  return key(number, 1) + little_endian(std::bit_cast<std::uint64_t>(value));
}

std::string bytes_field(std::uint32_t number, std::string_view value) {
  return key(number, 2) + varint(value.size()) + std::string(value);
}

std::string float_field(std::uint32_t number, float value) {
  return key(number, 5) + little_endian(std::bit_cast<std::uint32_t>(value));
}

// Field numbers of Event, Summary, Summary.Value, Summary.Image, SummaryMetadata, TensorProto,
// SessionLog.
constexpr std::uint32_t kEventWallTime = 1, kEventStep = 2, kEventFileVersion = 3,
                        kEventSummary = 5, kEventSessionLog = 7;
constexpr std::uint32_t kSummaryValue = 1;
constexpr std::uint32_t kValueTag = 1, kValueSimple = 2, kValueImage = 4, kValueTensor = 8,
                        kValueMetadata = 9;
constexpr std::uint32_t kImageHeight = 1, kImageWidth = 2, kImageColours = 3, kImageBytes = 4;
constexpr std::uint32_t kMetadataPlugin = 1, kPluginName = 1;
constexpr std::uint32_t kTensorDtype = 1, kTensorShape = 2, kTensorString = 8, kShapeDimension = 2,
                        kDimensionSize = 1;
constexpr std::uint32_t kSessionStatus = 1;
constexpr std::int64_t kDtypeString = 7, kSessionStart = 1, kRgb = 3;

std::string summary(const std::string& tag, const std::string& value) {
  return bytes_field(kEventSummary,
                     bytes_field(kSummaryValue, bytes_field(kValueTag, tag) + value));
}

constexpr std::array<std::uint32_t, 256> crc_table() {
  constexpr std::uint32_t kPolynomial = 0x82f63b78;  // Castagnoli, bits reversed
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? kPolynomial : 0);
    table[i] = value;
  }
  return table;
}

/// TFRecord rotates and shifts its checksums, so that a checksum over data that holds checksums
/// stays sound.
std::uint32_t masked_crc(std::string_view bytes) {
  constexpr std::uint32_t kShift = 0xa282ead8;
  return std::rotr(crc32c(bytes), 15) + kShift;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr auto kTable = crc_table();
  std::uint32_t crc = 0xffffffff;
  for (const char byte : bytes)
    crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xff];
  return ~crc;
}

std::string framed_record(std::string_view data) {
  const auto length = little_endian(static_cast<std::uint64_t>(data.size()));
  return length + little_endian(masked_crc(length)) + std::string(data) +
         little_endian(masked_crc(data));
}

EventFile::EventFile(const fs::path& folder, std::int64_t resumed_step) {
  CHIARO_CHECK(resumed_step >= 0, Internal, "[train.event_file] a step cannot be negative; got {}",
               resumed_step);
  std::error_code failure;
  fs::create_directories(folder, failure);
  // Several files of one second and process differ by the number.
  static std::atomic<int> counter = 0;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  path_ = folder / fmt::format("events.out.tfevents.{:010}.{}.{}.{}", seconds, host_name(),
                               ::getpid(), counter++);
  stream_.open(path_, std::ios::binary | std::ios::trunc);
  CHIARO_CHECK(stream_.good(), Output, "[train.event_file] cannot write '{}': {}", path_.string(),
               std::strerror(errno));
  write_event(0, bytes_field(kEventFileVersion, "brain.Event:2"));
  if (resumed_step > 0) {
    // TensorBoard drops earlier events from the step of a session start on; the next step is the
    // first to be repeated.
    write_event(resumed_step + 1,
                bytes_field(kEventSessionLog, integer_field(kSessionStatus, kSessionStart)));
  }
  flush();
}

void EventFile::scalar(const std::string& tag, float value, std::int64_t step) {
  write_event(step, summary(tag, float_field(kValueSimple, value)));
}

void EventFile::image(const std::string& tag, std::span<const std::byte> png, std::int64_t height,
                      std::int64_t width, std::int64_t step) {
  CHIARO_CHECK(height > 0 && width > 0, Internal,
               "[train.event_file] a picture has no size; got {}x{}", width, height);
  const std::string_view encoded(reinterpret_cast<const char*>(png.data()), png.size());
  write_event(step, summary(tag, bytes_field(kValueImage, integer_field(kImageHeight, height) +
                                                              integer_field(kImageWidth, width) +
                                                              integer_field(kImageColours, kRgb) +
                                                              bytes_field(kImageBytes, encoded))));
}

void EventFile::text(const std::string& tag, const std::string& markdown, std::int64_t step) {
  const auto shape = bytes_field(kShapeDimension, integer_field(kDimensionSize, 1));
  const auto tensor = integer_field(kTensorDtype, kDtypeString) + bytes_field(kTensorShape, shape) +
                      bytes_field(kTensorString, markdown);
  const auto metadata = bytes_field(kMetadataPlugin, bytes_field(kPluginName, "text"));
  write_event(step, summary(tag, bytes_field(kValueTensor, tensor) +
                                     bytes_field(kValueMetadata, metadata)));
}

void EventFile::write_event(std::int64_t step, const std::string& content) {
  CHIARO_CHECK(step >= 0, Internal, "[train.event_file] a step cannot be negative; got {}", step);
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  const auto step_field =
      step == 0 ? "" : integer_field(kEventStep, step);  // zero is what a missing number means
  const auto record =
      framed_record(double_field(kEventWallTime, now.count()) + step_field + content);
  stream_.write(record.data(), static_cast<std::streamsize>(record.size()));
}

void EventFile::flush() {
  stream_.flush();
  CHIARO_CHECK(stream_.good(), Output, "[train.event_file] cannot write '{}'", path_.string());
}

}  // namespace chiaro::train
