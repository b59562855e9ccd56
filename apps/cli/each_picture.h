// Many pictures one after the other, where one that is broken does not stop the rest.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "chiaro/image/image.h"

namespace chiaro::cli {

using TreatPicture = std::function<void(const std::filesystem::path& file, const image::Image&)>;

/// Reads each file and hands it to `treat`. One that cannot be read (Input, from either) is logged
/// and, with `json`, printed as an event "failed". Returns how many. Errors: whatever is not the
/// picture's fault; Interrupted.
std::size_t treat_each(const std::vector<std::filesystem::path>& files, bool json,
                       const TreatPicture& treat);

/// All of it. Errors: Input.
std::vector<std::byte> read_stdin();

/// Logs what is there but cannot be read and, with `json`, prints it as an event "failed".
void tell_unreadable(const std::filesystem::path& path, const std::string& reason, bool json);

/// Errors: SomeFailed, unless `failed` is 0.
void expect_none_failed(std::size_t failed, std::size_t count);

}  // namespace chiaro::cli
