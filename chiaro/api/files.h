// What is settled about an output file before a picture is restored into it.
#pragma once

#include <filesystem>

#include "chiaro/api/chiaro.h"
#include "chiaro/image/codec.h"

namespace chiaro::api {

/// How to write `output`. Errors: Output (it exists and is not to be replaced, is the input itself,
/// is no regular file, has no folder), Usage (no format known for the name; impossible values).
image::WriteOptions output_file(const std::filesystem::path& input,
                                const std::filesystem::path& output,
                                const chiaro_write_options& wanted);

}  // namespace chiaro::api
