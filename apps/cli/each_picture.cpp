#include "apps/cli/each_picture.h"

#include "apps/cli/events.h"
#include "apps/cli/interruption.h"
#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/image/codec.h"

namespace chiaro::cli {

std::size_t treat_each(const std::vector<std::filesystem::path>& files, bool json,
                       const TreatPicture& treat) {
  std::size_t failed = 0;
  for (const auto& file : files) {
    stop_if_interrupted();
    try {
      treat(file, image::read(file));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::Input) throw;
      ++failed;
      tell_unreadable(file, error.what(), json);
    }
  }
  return failed;
}

std::vector<std::byte> read_stdin() {
  std::vector<std::byte> bytes;
  std::byte chunk[1 << 16];
  for (std::size_t got = 0; (got = std::fread(chunk, 1, sizeof(chunk), stdin)) > 0;) {
    bytes.insert(bytes.end(), chunk, chunk + got);
  }
  stop_if_interrupted();
  CHIARO_CHECK(std::ferror(stdin) == 0, Input, "[cli.input] cannot read standard input");
  return bytes;
}

void tell_unreadable(const std::filesystem::path& path, const std::string& reason, bool json) {
  spdlog::error("{}", reason);
  if (json) print_event("failed", {{"file", path.string()}, {"message", reason}});
}

void expect_none_failed(std::size_t failed, std::size_t count) {
  CHIARO_CHECK(failed == 0, SomeFailed, "[cli.treat_each] {} of {} pictures cannot be read", failed,
               count);
}

}  // namespace chiaro::cli
