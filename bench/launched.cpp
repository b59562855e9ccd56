#include "bench/launched.h"

#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "chiaro/base/error.h"

namespace chiaro::bench {

Launched launch_restore(const Setting& setting, const std::filesystem::path& input,
                        const std::filesystem::path& output, const std::string& more) {
  const auto command = fmt::format(
      "'{}' '{}' restore '{}' -o '{}' --overwrite --quiet --bundle '{}' --threads {} {}",
      setting.launcher.string(), setting.program.string(), input.string(), output.string(),
      setting.bundle.string(), setting.threads, more);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"),
                                                             ::pclose);
  int status = -1;
  Launched result;
  double peak_kib = 0;
  const bool read = pipe != nullptr &&
                    std::fscanf(pipe.get(), "%d %lf %lf", &status, &result.wall_s, &peak_kib) == 3;
  CHIARO_CHECK(read && status == 0, CheckFailed,
               "[bench.launch] chiaro did not restore; got status {}; command: {}", status,
               command);
  result.peak_mib = peak_kib / 1024;
  return result;
}

}  // namespace chiaro::bench
