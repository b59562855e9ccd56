#include "bench/launched.h"

#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "chiaro/base/error.h"

namespace chiaro::bench {

Launched launch(const Setting& setting, const std::string& words) {
  const auto command =
      fmt::format("'{}' '{}' {}", setting.launcher.string(), setting.program.string(), words);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"),
                                                             ::pclose);
  int status = -1;
  Launched result;
  double peak_kib = 0;
  const bool read = pipe != nullptr &&
                    std::fscanf(pipe.get(), "%d %lf %lf", &status, &result.wall_s, &peak_kib) == 3;
  CHIARO_CHECK(read && status == 0, CheckFailed,
               "[bench.launch] chiaro failed; got status {}; command: {}", status, command);
  result.peak_mib = peak_kib / 1024;
  return result;
}

Launched launch_restore(const Setting& setting, const std::filesystem::path& input,
                        const std::filesystem::path& output, const std::string& more) {
  return launch(setting, fmt::format("restore '{}' -o '{}' --overwrite --quiet --bundle '{}' "
                                     "--threads {} {}",
                                     input.string(), output.string(), setting.bundle.string(),
                                     setting.threads, more));
}

}  // namespace chiaro::bench
