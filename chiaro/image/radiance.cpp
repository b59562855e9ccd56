#include "chiaro/image/radiance.h"

#include <fmt/format.h>
#include <vips/vips.h>

#include <algorithm>
#include <string_view>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"
#include "chiaro/image/colour_profile.h"

namespace chiaro::image {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kMostHeader = std::size_t{1} << 16;
constexpr auto kMagicLine = "#?RADIANCE\n"sv;
constexpr auto kFormat = "FORMAT="sv;

struct RadianceHeader {
  std::string lines;  // without the first, the format and the empty one
  std::string format;
  std::string resolution;  // "-Y 480 +X 640"
  std::size_t size = 0;    // up to the pixels; 0: there is no end
};

RadianceHeader parse_header(std::string_view file) {
  RadianceHeader header;
  std::size_t at = kMagicLine.size();
  for (;;) {
    const std::size_t end = file.find('\n', at);
    if (end == std::string_view::npos) return header;
    const std::string_view line = file.substr(at, end - at);
    at = end + 1;
    if (line.empty()) break;
    if (line.starts_with(kFormat)) {
      header.format = trim(line.substr(kFormat.size()));
    } else {
      header.lines += std::string(line) + '\n';
    }
  }
  const std::size_t end = file.find('\n', at);
  if (end == std::string_view::npos) return header;
  header.resolution = file.substr(at, end - at);
  header.size = end + 1;
  return header;
}

/// EXIF orientation of rows and columns that run as the resolution says: the axis that comes first
/// is the one from row to row; "-Y" from the top, "+X" from the left.
int orientation_of(std::string_view resolution) {
  const std::size_t second = resolution.find_last_of("+-");
  if (resolution.size() < 2 || second == 0 || second == std::string_view::npos ||
      second + 1 >= resolution.size())
    return 0;
  const std::string_view down = resolution.substr(0, 2);
  const std::string_view right = resolution.substr(second, 2);
  const auto either = [](std::string_view axis, char letter) { return axis[1] == letter; };
  if (either(down, 'Y') && either(right, 'X')) {
    if (down[0] == '-') return right[0] == '+' ? 1 : 2;
    return right[0] == '-' ? 3 : 4;
  }
  if (!either(down, 'X') || !either(right, 'Y')) return 0;
  if (right[0] == '-') return down[0] == '+' ? 5 : 6;
  return down[0] == '-' ? 7 : 8;
}

std::string_view text_of(std::span<const std::uint8_t> lines) {
  return {reinterpret_cast<const char*>(lines.data()), lines.size()};
}

}  // namespace

VipsImagePointer open_radiance(VipsSource* source, const std::string& name) {
  unsigned char* first = nullptr;
  const gint64 got = vips_source_sniff_at_most(source, &first, kMostHeader);
  CHIARO_CHECK(got > 0, Input, "[image.read] cannot read '{}': {}", name, take_vips_error());
  const RadianceHeader header =
      parse_header({reinterpret_cast<const char*>(first), static_cast<std::size_t>(got)});
  const int orientation = orientation_of(header.resolution);
  CHIARO_CHECK(header.size > 0 && orientation > 0, Input,
               "[image.read] '{}' is a Radiance picture, but its header is damaged or truncated",
               name);
  CHIARO_CHECK(header.format == "32-bit_rle_rgbe", Input,
               "[image.read] '{}' is a Radiance picture of an unknown kind; got the format '{}'; "
               "expected 32-bit_rle_rgbe",
               name, header.format.substr(0, 40));
  VipsImage* coded = nullptr;
  VipsImage* floats = nullptr;
  bool opened = vips_radload_source(source, &coded, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                                    VIPS_FAIL_ON_ERROR, nullptr) == 0;
  const VipsImagePointer owner(coded);
  opened = opened && vips_rad2float(coded, &floats, nullptr) == 0;
  VipsImagePointer image(floats);
  CHIARO_CHECK(opened, Input,
               "[image.read] '{}' is a Radiance picture, but damaged or truncated: {}", name,
               take_vips_error());
  const auto icc = linear_profile(3);
  vips_image_set_blob_copy(image.get(), VIPS_META_ICC_NAME, icc.data(), icc.size());
  vips_image_set_blob_copy(image.get(), kRadianceHeader, header.lines.data(), header.lines.size());
  if (orientation > 1) vips_image_set_int(image.get(), VIPS_META_ORIENTATION, orientation);
  return image;
}

std::vector<std::byte> with_radiance_header(std::span<const std::byte> coded,
                                            std::span<const std::uint8_t> lines) {
  const RadianceHeader header =
      parse_header({reinterpret_cast<const char*>(coded.data()), coded.size()});
  CHIARO_CHECK(header.size > 0, Internal, "[image.embed_metadata] got no Radiance picture");
  const std::string first = fmt::format("{}{}{}{}\n\n{}\n", kMagicLine, text_of(lines), kFormat,
                                        header.format, header.resolution);
  const auto pixels = coded.subspan(header.size);
  std::vector<std::byte> out(first.size() + pixels.size());
  std::ranges::copy(pixels, std::ranges::copy(std::as_bytes(std::span(first)), out.begin()).out);
  return out;
}

std::map<std::string, std::string> listed_radiance(std::span<const std::uint8_t> lines) {
  std::map<std::string, std::string> items;
  for (const std::string_view line : split(text_of(lines), '\n')) {
    const std::string_view text = trim(line);
    if (text.empty()) continue;
    const std::size_t equals = text.find('=');
    const bool comment = text.starts_with('#') || equals == std::string_view::npos;
    std::string& item = items[comment ? "Radiance comment"
                                      : "Radiance " + std::string(trim(text.substr(0, equals)))];
    if (!item.empty()) item += '\n';
    item += trim(comment ? text : text.substr(equals + 1));
  }
  return items;
}

}  // namespace chiaro::image
