// Writes what TensorBoard reads: a file of records, each with a masked CRC-32C, each record a
// protocol-buffer Event. Format: github.com/tensorflow/tensorboard, compat/proto/event.proto and
// summary.proto; framing: TFRecord.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

namespace chiaro::train {

/// CRC-32C (Castagnoli): of "123456789" it is 0xE3069283.
std::uint32_t crc32c(std::string_view bytes);

/// One record: length, masked CRC of the length, data, masked CRC of the data; all little-endian.
std::string framed_record(std::string_view data);

/// One event file of a run. Values become visible to TensorBoard on flush() and on destruction.
class EventFile {
 public:
  /// Makes folder/events.out.tfevents.<seconds>.<host>.<process>.<number>, and the folder if
  /// needed. A run that is resumed after `resumed_step` steps (0: a new run) marks that in the
  /// file, so that TensorBoard drops what earlier files of the folder hold beyond it. Errors:
  /// Output.
  explicit EventFile(const std::filesystem::path& folder, std::int64_t resumed_step = 0);

  /// Tags group by their part before the slash: "losses/l1". Errors, here and below: Internal (step
  /// < 0).
  void scalar(const std::string& tag, float value, std::int64_t step);

  /// An encoded PNG picture (RGB) of the given size. Errors: Internal (sizes not positive).
  void image(const std::string& tag, std::span<const std::byte> png, std::int64_t height,
             std::int64_t width, std::int64_t step);

  /// Text in Markdown, UTF-8.
  void text(const std::string& tag, const std::string& markdown, std::int64_t step);

  /// Errors: Output (disk full, …).
  void flush();

  const std::filesystem::path& path() const { return path_; }

 private:
  void write_event(std::int64_t step, const std::string& content);

  std::filesystem::path path_;
  std::ofstream stream_;
};

}  // namespace chiaro::train
