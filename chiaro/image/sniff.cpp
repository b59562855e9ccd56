#include "chiaro/image/sniff.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include <fmt/format.h>

namespace chiaro::image {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  const char* format;
  const char* description;
};

constexpr std::array kMagics{
    Magic{0, "\x89PNG\r\n\x1a\n"sv, "png", "a PNG picture"},
    Magic{0, "\xff\xd8\xff"sv, "jpeg", "a JPEG picture"},
    Magic{0, "II*\0"sv, "tiff", "a TIFF picture"},
    Magic{0, "MM\0*"sv, "tiff", "a TIFF picture"},
    Magic{0, "II+\0"sv, "tiff", "a BigTIFF picture"},
    Magic{0, "MM\0+"sv, "tiff", "a BigTIFF picture"},
    Magic{0, "GIF87a"sv, "gif", "a GIF picture"},
    Magic{0, "GIF89a"sv, "gif", "a GIF picture"},
    Magic{8, "WEBP"sv, "webp", "a WebP picture"},
    Magic{0, "\xff\x0a"sv, "jxl", "a JPEG XL picture"},
    Magic{0, "\0\0\0\x0cJXL \r\n\x87\n"sv, "jxl", "a JPEG XL picture"},
    Magic{0, "\0\0\0\x0cjP  \r\n\x87\n"sv, "jp2", "a JPEG 2000 picture"},
    Magic{0, "\xff\x4f\xff\x51"sv, "jp2", "a JPEG 2000 picture"},
    Magic{4, "ftypheic"sv, "heif", "a HEIF picture"},
    Magic{4, "ftypheix"sv, "heif", "a HEIF picture"},
    Magic{4, "ftypmif1"sv, "heif", "a HEIF picture"},
    Magic{4, "ftypavif"sv, "heif", "an AVIF picture"},
    Magic{4, "ftyphev"sv, "", "a HEIF sequence"},
    Magic{4, "ftyphei"sv, "", "a HEIF sequence"},  // other than heic and heix
    Magic{4, "ftypmsf1"sv, "", "a HEIF sequence"},
    Magic{4, "ftypavis"sv, "", "an AVIF sequence"},
    Magic{4, "ftyp"sv, "", "a video"},
    Magic{0, "%PDF"sv, "", "a PDF document"},
    Magic{0, "%!PS"sv, "", "a PostScript document"},
    Magic{0, "8BPS"sv, "", "a Photoshop document"},
    Magic{0, "\x76\x2f\x31\x01"sv, "exr", "an OpenEXR picture"},
    Magic{0, "#?RADIANCE\n"sv, "hdr", "a Radiance picture"},
    Magic{0, "#?RADIANCE\r"sv, "", "a Radiance picture with line ends of another system"},
    Magic{0, "#?RGBE"sv, "", "a Radiance picture under the heading #?RGBE"},
    Magic{0, "PK\x03\x04"sv, "", "a zip archive"},
    Magic{0, "\x1f\x8b"sv, "", "gzip data"},
    Magic{0, "\x28\xb5\x2f\xfd"sv, "", "zstd data"},
    Magic{0,
          "\xfd"
          "7zXZ\0"sv,
          "", "xz data"},
    Magic{0,
          "\x7f"
          "ELF"sv,
          "", "a program"},
    Magic{0, "\x93NUMPY"sv, "", "a NumPy array"},
    Magic{8, "AVI "sv, "", "a video"},
    Magic{0, "\x1a\x45\xdf\xa3"sv, "", "a video"},
    Magic{0, "<?xml"sv, "", "an XML document"},
    Magic{0, "<svg"sv, "", "an SVG drawing"},
    Magic{0, "<!DOCTYPE"sv, "", "an HTML document"},
    Magic{0, "<html"sv, "", "an HTML document"},
};

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/// The netpbm family: 'P', a digit or 'F'/'f', then white space.
bool is_netpbm(std::string_view text) {
  return text.size() > 2 && text[0] == 'P' && text[1] >= '1' && text[1] <= '6' &&
         (is_space(text[2]) || text[2] == '#');
}

bool is_pfm(std::string_view text) {
  return text.size() > 2 && text[0] == 'P' && (text[1] == 'F' || text[1] == 'f') &&
         is_space(text[2]);
}

bool is_bmp(std::string_view text) {
  // "BM" alone begins many texts: the two reserved words must be zero and the header size one of
  // the known ones.
  return text.size() > 18 && text.starts_with("BM") && text.substr(6, 4) == "\0\0\0\0"sv &&
         (text[14] == 12 || text[14] == 40 || text[14] == 64 || text[14] == 108 || text[14] == 124);
}

bool is_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 ? byte != 0x7f : is_space(c);
  });
}

}  // namespace

Sniffed sniff(std::span<const std::byte> first_bytes) {
  const std::string_view text(reinterpret_cast<const char*>(first_bytes.data()),
                              first_bytes.size());
  if (text.empty()) return {"", "an empty file"};
  for (const Magic& magic : kMagics) {
    if (text.size() >= magic.offset && text.substr(magic.offset).starts_with(magic.bytes)) {
      return {magic.format, magic.description};
    }
  }
  if (is_netpbm(text)) return {"ppm", "a netpbm picture"};
  if (is_pfm(text)) return {"pfm", "a PFM picture"};
  if (is_bmp(text)) return {"bmp", "a BMP picture"};
  if (is_text(text)) return {"", "plain text"};
  std::string bytes;
  for (const char c : text.substr(0, 4))
    bytes += fmt::format(" {:02x}", static_cast<unsigned char>(c));
  return {"", "unknown data that begins with" + bytes};
}

}  // namespace chiaro::image
