#include "chiaro/api/files.h"

#include <system_error>

#include "chiaro/base/error.h"
#include "chiaro/base/files.h"

namespace chiaro::api {
namespace {

namespace fs = std::filesystem;

image::Depth depth_of(int depth) {
  switch (depth) {
    case 0:
      return image::Depth::Source;
    case CHIARO_U8:
      return image::Depth::U8;
    case CHIARO_U16:
      return image::Depth::U16;
    case CHIARO_F32:
      return image::Depth::F32;
    default:
      fail(ErrorCode::Usage, "[api.write] unknown depth; got {}; expected 0 to {}", depth,
           static_cast<int>(CHIARO_F32));
  }
}

}  // namespace

image::WriteOptions output_file(const fs::path& input, const fs::path& output,
                                const chiaro_write_options& wanted) {
  std::error_code failed;
  CHIARO_CHECK(!fs::exists(output, failed) || fs::is_regular_file(output, failed), Output,
               "[api.write] '{}' is no regular file", output.string());
  expect_writable(output, wanted.overwrite != 0, input, "the option overwrite");
  CHIARO_CHECK(wanted.quality >= 0 && wanted.quality <= 100, Usage,
               "[api.write] impossible quality; got {}; expected 1 to 100, or 0", wanted.quality);
  image::WriteOptions options;
  options.format = wanted.format != nullptr ? wanted.format : image::format_written_as(output);
  CHIARO_CHECK(!options.format.empty(), Usage,
               "[api.write] the name '{}' tells no picture format; expected .png, .jpg, .webp, "
               ".tif, .ppm, .pfm, .exr, .hdr or the option format",
               output.string());
  options.quality = wanted.quality;
  options.existing = wanted.overwrite != 0 ? Existing::Replaced : Existing::Kept;
  options.depth = depth_of(wanted.depth);
  options.strip_metadata = wanted.strip_metadata != 0;
  return options;
}

}  // namespace chiaro::api
