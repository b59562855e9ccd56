// Flags and argument forms that every subcommand shares, so that the same flag means the same
// everywhere.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

#include "chiaro/engine/engine.h"
#include "chiaro/image/codec.h"

namespace chiaro::cli {

/// --json, --quiet, -v.
struct OutputFlags {
  bool json = false;     ///< one JSON object per line on stdout, the last a summary
  bool quiet = false;    ///< errors only
  bool verbose = false;  ///< more messages, never other results
};

/// Adds the flags; call begin_output at the start of the subcommand's work.
void add_output_flags(CLI::App& command, OutputFlags& flags);

/// Sets the log up as the flags want it.
void begin_output(const OutputFlags& flags);

/// --bundle NAME|FILE, --device, --precision, --threads.
struct EngineFlags {
  std::string bundle = "default";
  std::string device = "auto";
  std::string precision = "auto";
  int threads = 0;
};

void add_engine_flags(CLI::App& command, EngineFlags& flags);

/// Errors: Usage.
engine::EngineOptions engine_options(const EngineFlags& flags);

/// "512M", "1G", "1.5GiB", "1000000": bytes, with powers of 1024. Errors: Usage, naming the flag.
std::int64_t parse_bytes(std::string_view text, std::string_view flag);

/// What --max-memory says in bytes, 0 where it says nothing. Where it says something, freed memory
/// goes back to the system from then on (return_large_blocks_at_once). Errors: Usage.
std::int64_t promise_memory_ceiling(std::string_view text);

/// Settles names like `jpg` to those of image::WriteOptions; "" stays. Errors: Usage (a format that
/// is not written, an impossible quality).
void expect_format(image::WriteOptions& write);

/// Refuses the name of one picture where results of several go. Errors: Usage.
void expect_folder_name(const std::string& output);

/// "12.3 MiB".
std::string bytes_text(std::int64_t bytes);

}  // namespace chiaro::cli
