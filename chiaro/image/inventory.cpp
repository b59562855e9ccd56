#include "chiaro/image/inventory.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <sstream>
#include <vector>

#include <fmt/format.h>

namespace chiaro::image {
namespace {

using namespace std::string_view_literals;

std::size_t big(std::string_view bytes, std::size_t at, std::size_t count) {
  std::size_t value = 0;
  for (std::size_t i = at; i < at + count; ++i)
    value = value << 8 | static_cast<unsigned char>(i < bytes.size() ? bytes[i] : 0);
  return value;
}

std::size_t little(std::string_view bytes, std::size_t at) {
  std::size_t value = 0;
  for (std::size_t i = 4; i-- > 0;)
    value = value << 8 | static_cast<unsigned char>(at + i < bytes.size() ? bytes[at + i] : 0);
  return value;
}

std::span<const std::uint8_t> as_bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

constexpr std::size_t kMostInflated = std::size_t{64} << 20;  // of a file

/// What zlib makes of it, at most `left` bytes, of which it takes what it tried; nothing where it
/// is damaged.
std::optional<std::string> inflated(std::string_view deflated, std::size_t& left) {
  std::string result(std::max<std::size_t>(4096, deflated.size() * 4), '\0');
  for (; result.size() <= left; result.resize(result.size() * 4)) {
    left -= result.size();
    auto size = static_cast<uLongf>(result.size());
    const int status = uncompress(reinterpret_cast<Bytef*>(result.data()), &size,
                                  reinterpret_cast<const Bytef*>(deflated.data()),
                                  static_cast<uLong>(deflated.size()));
    if (status == Z_OK) {
      result.resize(size);
      return result;
    }
    if (status != Z_BUF_ERROR) return std::nullopt;
  }
  return std::nullopt;
}

bool has_iptc(const Inventory& items) {
  const auto first = items.lower_bound("IPTC ");
  return first != items.end() && first->first.starts_with("IPTC ");
}

// --- JPEG

void take_app_segment(int number, std::string_view body, Inventory& items) {
  constexpr auto kXmp = "http://ns.adobe.com/xap/1.0/\0"sv;
  constexpr auto kIcc = "ICC_PROFILE\0"sv;
  constexpr auto kPhotoshop = "Photoshop 3.0\0"sv;
  if (number == 0 || number == 14) return;  // JFIF and Adobe: how the pixels are stored
  if (body.starts_with("Exif\0\0"sv)) {
    take_tiff_inventory(as_bytes_of(body.substr(6)), false, items);
  } else if (body.starts_with(kXmp)) {
    take_xmp_inventory(body.substr(kXmp.size()), items);
  } else if (body.starts_with("http://ns.adobe.com/xmp/extension/"sv)) {
    items["XMP extension"] += body.substr(std::min<std::size_t>(body.size(), 35));
  } else if (body.starts_with(kIcc)) {
    items["ICC profile"] += body.substr(std::min(body.size(), kIcc.size() + 2));
  } else if (body.starts_with(kPhotoshop)) {
    take_resource_inventory(body.substr(kPhotoshop.size()), items);
  } else if (body.starts_with("MPF\0"sv)) {
    items["further pictures (MPF: gain map, preview or depth)"] = "present";
  } else if (number == 11) {
    items["content credentials (JUMBF)"] += body;
  } else {
    const std::string_view label = body.substr(0, std::min(body.find('\0'), std::size_t{32}));
    const bool readable = std::ranges::all_of(
        label, [](char c) { return std::isprint(static_cast<unsigned char>(c)) != 0; });
    items[fmt::format("JPEG APP{} {}", number, readable ? label : "")] += body;
  }
}

void take_jpeg_inventory(std::string_view file, Inventory& items) {
  std::size_t at = 2;
  while (at + 4 <= file.size() && file[at] == '\xff') {
    const auto marker = static_cast<unsigned char>(file[at + 1]);
    if (marker == 0xff) {  // padding
      ++at;
      continue;
    }
    const std::size_t size = big(file, at + 2, 2);
    if (marker == 0xda || marker == 0xd9 || size < 2 || at + 2 + size > file.size()) return;
    const std::string_view body = file.substr(at + 4, size - 2);
    if (marker == 0xfe && !body.empty()) items["comment"] += body;
    if (marker >= 0xe0 && marker <= 0xef) take_app_segment(marker - 0xe0, body, items);
    at += 2 + size;
  }
}

// --- PNG

/// Hexadecimal digits behind a heading and a length (see metadata_embed.cpp); empty where there are
/// fewer than that.
std::string raw_profile(const std::string& text) {
  std::istringstream stream(text);
  std::string heading;
  std::size_t size = 0;
  std::getline(stream >> std::ws, heading);  // one word or several: "iptc", "IPTC profile"
  stream >> size;
  std::string result;
  char digits[3] = {};
  while (result.size() < size && stream >> digits[0] >> digits[1])
    result.push_back(static_cast<char>(std::strtoul(digits, nullptr, 16)));
  return result.size() == size ? result : "";
}

/// What is told only once all chunks are known, since one may repeat or overrule the other.
struct PngBlocks {
  std::map<std::string, std::string, std::less<>> digits;  ///< by the name of the profile
  bool exif = false;                                       ///< in a chunk of its own
  bool profile = false;                                    ///< ICC or sRGB
  std::size_t left = kMostInflated;
};

/// Whether digits under this name are something that photographs have.
bool take_digits(std::string_view key, const std::string& text, PngBlocks& blocks) {
  constexpr auto kBefore = "Raw profile type "sv;
  if (!key.starts_with(kBefore)) return false;
  std::string name(key.substr(kBefore.size()));
  std::string block = raw_profile(text);
  if (block.empty()) return false;
  if (name == "APP1") name = block.starts_with("http://ns.adobe.com/xap/1.0/\0"sv) ? "xmp" : "exif";
  if (name != "exif" && name != "xmp" && name != "iptc" && name != "8bim") return false;
  blocks.digits.emplace(name, std::move(block));
  return true;
}

void take_text_chunk(std::string_view type, std::string_view body, PngBlocks& blocks,
                     Inventory& items) {
  const std::size_t key_end = body.find('\0');
  if (key_end == std::string_view::npos) return;
  const std::string_view key = body.substr(0, key_end);
  std::string_view rest = body.substr(key_end + 1);
  std::optional<std::string> text;
  if (type == "tEXt") {
    text = std::string(rest);
  } else if (type == "zTXt") {
    text = inflated(rest.substr(std::min<std::size_t>(1, rest.size())), blocks.left);
  } else {  // iTXt: compressed or not, language, translated keyword
    const bool compressed = !rest.empty() && rest[0] == '\1';
    rest = rest.substr(std::min<std::size_t>(2, rest.size()));
    for (int i = 0; i < 2; ++i) rest = rest.substr(std::min(rest.size(), rest.find('\0') + 1));
    text = compressed ? inflated(rest, blocks.left) : std::string(rest);
  }
  if (!text) text = std::string(body);  // damaged, or too much: as it stands
  if (key == "XML:com.adobe.xmp") return take_xmp_inventory(*text, items);
  if (take_digits(key, *text, blocks)) return;
  items[key == "Comment" ? "comment" : fmt::format("PNG text '{}'", key)] += *text;
}

void take_png_digits(const PngBlocks& blocks, Inventory& items) {
  const auto told = [&](const char* name, std::string_view before) {
    const auto found = blocks.digits.find(name);
    std::string_view block = found == blocks.digits.end() ? std::string_view() : found->second;
    return block.substr(block.starts_with(before) ? before.size() : 0);
  };
  if (!blocks.exif) take_tiff_inventory(as_bytes_of(told("exif", "Exif\0\0"sv)), false, items);
  if (!items.contains("XMP"))
    take_xmp_inventory(told("xmp", "http://ns.adobe.com/xap/1.0/\0"sv), items);
  for (const char* name : {"8bim", "iptc"}) {
    if (has_iptc(items)) break;  // the same once more
    const std::string_view block = told(name, "Photoshop 3.0\0"sv);
    block.starts_with("8BIM") ? take_resource_inventory(block, items)
                              : take_iptc_inventory(block, items);
  }
}

/// Of a PNG: what says how the pixels are stored or shown behind them, what follows from them, when
/// the file was last changed, and what is read elsewhere.
constexpr std::array kStructuralChunks{"IHDR"sv, "PLTE"sv, "IDAT"sv, "IEND"sv, "tRNS"sv,
                                       "sBIT"sv, "bKGD"sv, "hIST"sv, "tIME"sv, "pHYs"sv,
                                       "sRGB"sv, "fcTL"sv, "fdAT"sv, "iDOT"sv};

bool is_chunk_type(std::string_view type) {
  return std::ranges::all_of(
      type, [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; });
}

void take_png_inventory(std::string_view file, Inventory& items) {
  constexpr auto kPrimaries =  // those of sRGB
      "\0\0\x7a\x26\0\0\x80\x84\0\0\xfa\0\0\0\x80\xe8\0\0\x75\x30\0\0\xea\x60\0\0\x3a\x98\0\0\x17\x70"sv;
  constexpr auto kCoded = "\1\15\0\1"sv;
  PngBlocks blocks;
  for (std::size_t at = 8; at + 12 <= file.size();) {
    const std::size_t size = big(file, at, 4);
    if (size > file.size() - at - 12) break;
    const std::string_view type = file.substr(at + 4, 4);
    const std::string_view body = file.substr(at + 8, size);
    blocks.profile = blocks.profile || type == "iCCP" || type == "sRGB";
    if (type == "iCCP") {
      const std::size_t name_end = body.find('\0');
      const auto profile = name_end == std::string_view::npos || name_end + 2 > body.size()
                               ? std::nullopt
                               : inflated(body.substr(name_end + 2), blocks.left);
      if (profile) items["ICC profile"] = *profile;
    } else if (type == "eXIf") {
      blocks.exif = true;
      take_tiff_inventory(as_bytes_of(body), false, items);
    } else if (type == "tEXt" || type == "zTXt" || type == "iTXt") {
      take_text_chunk(type, body, blocks, items);
    } else if (type == "acTL") {
      items["further pictures (animation)"] = fmt::format("{}", big(body, 0, 4));
    } else if (type == "gAMA") {
      if (big(body, 0, 4) != 45455) items.emplace("PNG gamma", body);  // 1/2.2: as sRGB says
    } else if (type == "cHRM") {
      if (body != kPrimaries) items.emplace("PNG primaries", body);
    } else if (type == "cICP" && body == kCoded) {
      // as sRGB
    } else if (is_chunk_type(type) &&
               std::ranges::find(kStructuralChunks, type) == kStructuralChunks.end()) {
      items[fmt::format("PNG chunk {}", type)] += body;
    }
    at += 12 + size;
  }
  take_png_digits(blocks, items);
  if (!blocks.profile) return;  // it overrules them
  items.erase("PNG gamma");
  items.erase("PNG primaries");
}

// --- WebP

void take_webp_inventory(std::string_view file, Inventory& items) {
  for (std::size_t at = 12; at + 8 <= file.size();) {
    const std::string_view type = file.substr(at, 4);
    const std::size_t size = little(file, at + 4);
    if (size > file.size() - at - 8) return;
    const std::string_view body = file.substr(at + 8, size);
    if (type == "ICCP") items["ICC profile"] = body;
    if (type == "XMP ") take_xmp_inventory(body, items);
    if (type == "EXIF")
      take_tiff_inventory(as_bytes_of(body.substr(body.starts_with("Exif\0\0"sv) ? 6 : 0)), false,
                          items);
    if (type == "ANIM") items["further pictures (animation)"] = "present";
    at += 8 + size + size % 2;
  }
}

void trim_right(std::string& text) {
  while (!text.empty() &&
         (std::isspace(static_cast<unsigned char>(text.back())) != 0 || text.back() == '\0'))
    text.pop_back();
}

}  // namespace

void take_xmp_inventory(std::string_view packet, Inventory& items) {
  std::string text(packet);
  const std::size_t end = text.rfind("</x:xmpmeta>");  // behind it, padding
  if (end != std::string::npos) text.resize(end);
  for (const std::string_view before :
       {"tiff:Orientation=\""sv, "tiff:Orientation='"sv, "<tiff:Orientation>"sv}) {
    const std::size_t at = text.find(before);
    if (at != std::string::npos && at + before.size() < text.size()) text[at + before.size()] = '1';
  }
  trim_right(text);
  if (!text.empty()) items["XMP"] = text;
}

namespace {

/// As IIM 4.2 calls those that photographs have.
std::string iptc_name(std::size_t record, std::size_t data_set) {
  struct Known {
    std::size_t data_set;
    const char* name;
  };
  static constexpr std::array kApplication{Known{5, "ObjectName"},
                                           Known{15, "Category"},
                                           Known{25, "Keywords"},
                                           Known{55, "DateCreated"},
                                           Known{60, "TimeCreated"},
                                           Known{80, "By-line"},
                                           Known{90, "City"},
                                           Known{95, "Province-State"},
                                           Known{101, "Country"},
                                           Known{105, "Headline"},
                                           Known{110, "Credit"},
                                           Known{115, "Source"},
                                           Known{116, "CopyrightNotice"},
                                           Known{120, "Caption"}};
  if (record == 2) {
    const auto known = std::ranges::find(kApplication, data_set, &Known::data_set);
    if (known != kApplication.end()) return known->name;
  }
  return fmt::format("{}:{}", record, data_set);
}

}  // namespace

void take_iptc_inventory(std::string_view records, Inventory& items) {
  for (std::size_t at = 0; at + 5 <= records.size() && records[at] == '\x1c';) {
    const std::size_t size = big(records, at + 3, 2);
    if (size > records.size() - at - 5) return;
    items["IPTC " + iptc_name(big(records, at + 1, 1), big(records, at + 2, 1))] +=
        std::string(records.substr(at + 5, size)) + '\0';
    at += 5 + size;
  }
}

void take_resource_inventory(std::string_view resources, Inventory& items) {
  for (std::size_t at = 0; at + 12 <= resources.size() && resources.substr(at, 4) == "8BIM";) {
    const std::size_t number = big(resources, at + 4, 2);
    const std::size_t name = (big(resources, at + 6, 1) + 2) / 2 * 2;
    const std::size_t size_at = at + 6 + name;
    const std::size_t size = big(resources, size_at, 4);
    if (size_at + 4 > resources.size() || size > resources.size() - size_at - 4) return;
    const std::string_view body = resources.substr(size_at + 4, size);
    if (number == 0x0404) {
      if (!has_iptc(items)) take_iptc_inventory(body, items);  // not the same once more
    } else if (number == 0x07d0 || (number >= 0x07d0 && number <= 0x0bb6)) {
      items["Photoshop paths"] += body;
    }  // others are the state of an editor, thumbnails and copies of what stands elsewhere
    at = size_at + 4 + (size + 1) / 2 * 2;
  }
}

Inventory take_inventory(std::span<const std::uint8_t> bytes, int page) {
  const std::string_view file(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  Inventory items;
  if (file.starts_with("\xff\xd8\xff"sv)) take_jpeg_inventory(file, items);
  if (file.starts_with("\x89PNG\r\n\x1a\n"sv)) take_png_inventory(file, items);
  if (file.starts_with("RIFF"sv) && file.size() > 12 && file.substr(8, 4) == "WEBP")
    take_webp_inventory(file, items);
  if (file.starts_with("II"sv) || file.starts_with("MM"sv))
    take_tiff_inventory(bytes, true, items, page);
  return items;
}

}  // namespace chiaro::image
