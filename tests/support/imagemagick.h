// ImageMagick as a judge of colours from outside, where it is installed: it reads the file and goes
// by the profile in it without a line of ours.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::test {

inline bool has_imagemagick() {
  return std::system("convert -version 2> /dev/null | grep -q 'ImageMagick.*Q16'") == 0 &&
         std::system("convert -version | grep -qw lcms") == 0;
}

/// The colours of a file as 16-bit RGB of the profile `target`, row by row. `before` are further
/// words of `convert`, such as "-profile srgb.icc" for files that have none. Empty where `convert`
/// fails.
inline std::vector<std::uint16_t> colours_by_imagemagick(const std::filesystem::path& file,
                                                         const std::filesystem::path& target,
                                                         const std::string& before = "") {
  const TemporaryFolder folder;
  const std::string out = folder / "samples";
  const std::string command = "convert '" + file.string() + "' -intent Relative " + before +
                              " -profile '" + target.string() +
                              "' -depth 16 -endian LSB 'rgb:" + out + "'";
  if (std::system(command.c_str()) != 0) return {};
  const auto bytes = read_file(out);
  std::vector<std::uint16_t> samples(bytes.size() / 2);
  std::memcpy(samples.data(), bytes.data(), samples.size() * 2);
  return samples;
}

}  // namespace chiaro::test
