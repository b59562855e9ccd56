// The formats in which the server gives results.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace chiaro::server {

struct ResultFormat {
  std::string_view name;        ///< as image::EncodeOptions::format, and as the parameter `format`
  std::string_view media_type;  ///< of the answer
};

/// exr and hdr keep values outside 0 to 1; their media types are those of the IANA and of common
/// use.
inline constexpr std::array<ResultFormat, 6> kResultFormats = {{{"png", "image/png"},
                                                                {"jpeg", "image/jpeg"},
                                                                {"webp", "image/webp"},
                                                                {"tiff", "image/tiff"},
                                                                {"exr", "image/x-exr"},
                                                                {"hdr", "image/vnd.radiance"}}};

/// nullptr: there is none of that name.
constexpr const ResultFormat* find_result_format(std::string_view name) {
  const auto* found = std::ranges::find(kResultFormats, name, &ResultFormat::name);
  return found == kResultFormats.end() ? nullptr : found;
}

}  // namespace chiaro::server
