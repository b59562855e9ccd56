#include "apps/cli/flags.h"

#include <charconv>
#include <cmath>
#include <filesystem>
#include <system_error>

#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/base/process_memory.h"
#include "chiaro/base/text.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/encodable.h"

namespace chiaro::cli {

void add_output_flags(CLI::App& command, OutputFlags& flags) {
  command.add_flag("--json", flags.json,
                   "results as JSON, one object per line, the last a summary");
  command.add_flag("--quiet", flags.quiet, "errors only");
  command.add_flag("-v,--verbose", flags.verbose, "more messages on stderr");
}

void begin_output(const OutputFlags& flags) {
  set_up_logging(flags.quiet     ? Verbosity::Quiet
                 : flags.verbose ? Verbosity::Verbose
                                 : Verbosity::Normal);
}

void add_engine_flags(CLI::App& command, EngineFlags& flags) {
  command
      .add_option("-b,--bundle", flags.bundle,
                  "name of a bundle (see `chiaro models list`) or a .chiaro file")
      ->capture_default_str();
  command.add_option("--device", flags.device, "auto or cpu")->capture_default_str();
  command
      .add_option("--precision", flags.precision,
                  "f32, bf16, or auto: bf16 where the processor has it and the bundle's card shows "
                  "it harmless")
      ->capture_default_str();
  command
      .add_option("--threads", flags.threads,
                  "processor threads; 0: all cores, whatever OMP_NUM_THREADS says")
      ->capture_default_str();
}

engine::EngineOptions engine_options(const EngineFlags& flags) {
  return {flags.device, engine::parse_precision(flags.precision), flags.threads};
}

std::int64_t parse_bytes(std::string_view text, std::string_view flag) {
  double number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string unit(trim(text.substr(static_cast<std::size_t>(end - text.data()))));
  for (char& letter : unit)
    letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  if (unit.ends_with("IB")) {
    unit.resize(unit.size() - 2);
  } else if (unit.ends_with("B")) {
    unit.resize(unit.size() - 1);
  }
  constexpr std::string_view kUnits = "KMGT";
  const auto power = unit.empty()       ? 0
                     : unit.size() == 1 ? kUnits.find(unit[0]) + 1
                                        : std::string_view::npos;
  const bool known =
      unit.empty() || (unit.size() == 1 && kUnits.find(unit[0]) != std::string_view::npos);
  const double bytes = known ? number * std::pow(1024.0, static_cast<double>(power)) : 0;
  CHIARO_CHECK(failed == std::errc() && known && bytes >= 0 && bytes < 9e18, Usage,
               "[cli.{}] not an amount of memory; got '{}'; expected something like 512M or 1.5G",
               flag, text);
  return static_cast<std::int64_t>(bytes);
}

std::int64_t promise_memory_ceiling(std::string_view text) {
  if (text.empty()) return 0;
  const std::int64_t bytes = parse_bytes(text, "max-memory");
  CHIARO_CHECK(
      bytes >= 1 << 20, Usage,
      "[cli.max-memory] no picture is restored in {} bytes; got '{}'; expected something like 512M",
      bytes, text);
  return_large_blocks_at_once();
  return bytes;
}

void expect_format(image::WriteOptions& write) {
  if (const auto known = image::format_written_as("picture." + write.format); !known.empty())
    write.format = known;
  if (!write.format.empty()) image::check_encodable(1, 1, write);
}

void expect_folder_name(const std::string& output) {
  std::error_code failed;
  CHIARO_CHECK(output.ends_with('/') || std::filesystem::exists(output, failed) ||
                   image::format_written_as(output).empty(),
               Usage,
               "[cli.output] '{}' is the name of one picture, and there may be several; expected a "
               "folder ('{}/' if it is to be called so)",
               output, output);
}

std::string bytes_text(std::int64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes >= std::int64_t{1} << 30) return fmt::format("{:.2f} GiB", value / (1 << 30));
  if (bytes >= 1 << 20) return fmt::format("{:.1f} MiB", value / (1 << 20));
  return fmt::format("{:.1f} KiB", value / (1 << 10));
}

}  // namespace chiaro::cli
