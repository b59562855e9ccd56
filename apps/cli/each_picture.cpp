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

void tell_unreadable(const std::filesystem::path& path, const std::string& reason, bool json) {
  spdlog::error("{}", reason);
  if (json) print_event("failed", {{"file", path.string()}, {"message", reason}});
}

void expect_none_failed(std::size_t failed, std::size_t count) {
  CHIARO_CHECK(failed == 0, SomeFailed, "[cli.treat_each] {} of {} pictures cannot be read", failed,
               count);
}

}  // namespace chiaro::cli
