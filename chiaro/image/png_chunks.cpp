#include "chiaro/image/png_chunks.h"

#include <vips/vips.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include <glib.h>
#include <spdlog/spdlog.h>

#include "chiaro/base/error.h"
#include "chiaro/image/exif.h"
#include "chiaro/image/metadata_read.h"

namespace chiaro::image {
namespace {

constexpr gint64 kSignatureBytes = 8;
constexpr gint64 kHeadBytes = 8;  // length and type of a chunk
constexpr gint64 kSumBytes = 4;   // behind its content
constexpr gint64 kMostText = gint64{16} << 20;

/// How much of one sort is taken of a file.
struct Allowance {
  static constexpr gint64 kEachBlock = 128;  // what it takes to hold one, beside its content

  gint64 left = kMostText;
  int refused = 0;
  gint64 refused_bytes = 0;

  bool take(gint64 size) {
    if (size + kEachBlock <= left) {
      left -= size + kEachBlock;
      return true;
    }
    ++refused;
    refused_bytes += size;
    return false;
  }
};

using Head = std::array<unsigned char, kHeadBytes>;

bool read_head(VipsSource* source, gint64 at, Head& head) {
  return vips_source_seek(source, at, SEEK_SET) == at &&
         vips_source_read(source, head.data(), head.size()) == kHeadBytes;
}

gint64 claimed_bytes(const Head& head) {
  return gint64{head[0]} << 24 | gint64{head[1]} << 16 | gint64{head[2]} << 8 | gint64{head[3]};
}

bool holds_text(std::string_view type) {
  return type == "tEXt" || type == "zTXt" || type == "iTXt";
}

/// The size of a chunk that says how the samples are meant; 0: of another.
gint64 size_of_colours(std::string_view type) {
  if (type == "gAMA" || type == "cICP") return 4;
  if (type == "cHRM") return 32;
  if (type == "mDCV" || type == "mDCv") return 24;
  return type == "cLLI" || type == "cLLi" ? 8 : 0;
}

/// Whether a chunk that is not known here may go along: it is no part of the picture (first letter
/// small) and does not depend on its pixels (fourth letter small).
bool is_safe_to_copy(std::string_view type) {
  const auto small = [&](std::size_t i) { return type[i] >= 'a' && type[i] <= 'z'; };
  const auto letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; };
  return std::ranges::all_of(type, letter) && small(0) && small(3) && type != "pHYs" &&
         size_of_colours(type) == 0;
}

/// What stands behind the head at `at`; empty where it cannot be read.
std::vector<std::uint8_t> body_at(VipsSource* source, gint64 at, gint64 size) {
  std::vector<std::uint8_t> body(static_cast<std::size_t>(size));
  gint64 got = 0;
  if (vips_source_seek(source, at + kHeadBytes, SEEK_SET) < 0) return {};
  while (got < size) {
    const gint64 more = vips_source_read(source, body.data() + got, body.size() - got);
    if (more <= 0) return {};
    got += more;
  }
  return body;
}

/// Nothing where it does not add up: a copy would get a sum that hides the damage.
std::optional<std::vector<std::uint8_t>> sound_body_at(VipsSource* source, gint64 at, gint64 size,
                                                       std::string_view type) {
  auto body = body_at(source, at, size + kSumBytes);
  if (body.empty()) return std::nullopt;
  std::uint32_t stated = 0;
  for (auto i = body.end() - kSumBytes; i != body.end(); ++i) stated = stated << 8 | *i;
  body.resize(static_cast<std::size_t>(size));
  auto sum = crc32(0, reinterpret_cast<const Bytef*>(type.data()), static_cast<uInt>(type.size()));
  sum = crc32_z(sum, body.data(), body.size());
  if (sum != stated) return std::nullopt;
  return body;
}

std::string_view as_text(const std::vector<std::uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string_view keyword(const std::vector<std::uint8_t>& body) {
  return as_text(body).substr(0, as_text(body).find('\0'));
}

using namespace std::string_view_literals;
using Octets = std::vector<std::uint8_t>;

constexpr auto kExifStart = "Exif\0\0"sv;
constexpr auto kXmpStart = "http://ns.adobe.com/xap/1.0/\0"sv;
constexpr auto kDigits = "Raw profile type "sv;

Octets octets_of(std::string_view text) {
  return {text.begin(), text.end()};
}

/// Nothing where it is damaged, or would be more than `left` bytes, of which it takes what came.
std::optional<std::string> inflate_text(std::string_view deflated, std::size_t& left) {
  constexpr std::size_t kLeastCharged = 4096;  // to begin is work, too
  z_stream stream{};
  if (left == 0 || inflateInit(&stream) != Z_OK) return std::nullopt;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(deflated.data()));
  stream.avail_in = static_cast<uInt>(deflated.size());
  std::string text;
  std::array<char, 16384> part{};
  int status = Z_OK;
  while (status == Z_OK && text.size() <= left) {
    stream.next_out = reinterpret_cast<Bytef*>(part.data());
    stream.avail_out = static_cast<uInt>(part.size());
    status = inflate(&stream, Z_NO_FLUSH);
    text.append(part.data(), part.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  const bool whole = status == Z_STREAM_END && text.size() <= left;
  left -= std::min(left, std::max(text.size(), kLeastCharged));
  return whole ? std::optional(std::move(text)) : std::nullopt;
}

/// The words of a text chunk, inflated where they are deflated.
std::optional<std::string> words_of(std::string_view type, std::string_view body,
                                    std::size_t& left) {
  const std::size_t end = body.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view rest = body.substr(end + 1);
  if (type == "tEXt") return std::string(rest);
  if (type == "zTXt") return rest.empty() ? std::nullopt : inflate_text(rest.substr(1), left);
  if (rest.size() < 2) return std::nullopt;
  const bool deflated = rest[0] != '\0';
  rest.remove_prefix(2);
  for (int i = 0; i < 2; ++i) {  // language and the keyword in it
    const std::size_t stop = rest.find('\0');
    if (stop == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(stop + 1);
  }
  return deflated ? inflate_text(rest, left) : std::string(rest);
}

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// A heading of one word or several, a length, hexadecimal digits, all between white space. Empty
/// where there are fewer than the length says, or anything else.
Octets undigested(std::string_view text) {
  const auto skip_white = [&] {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text[0])) != 0)
      text.remove_prefix(1);
  };
  skip_white();
  text.remove_prefix(std::min(text.size(), text.find('\n')));
  skip_white();
  std::size_t size = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc()) return {};
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  if (size > text.size() / 2) return {};
  Octets result;
  result.reserve(size);
  while (result.size() < size) {
    skip_white();
    const int high = text.size() < 2 ? -1 : digit_value(text[0]);
    const int low = text.size() < 2 ? -1 : digit_value(text[1]);
    if (high < 0 || low < 0) return {};
    result.push_back(static_cast<std::uint8_t>(high << 4 | low));
    text.remove_prefix(2);
  }
  return result;
}

void keep_first(Octets& place, std::string_view found) {
  if (place.empty()) place = octets_of(found);
}

/// Sorts what comes in chunks before and behind the pixels.
class BlockCollector {
 public:
  explicit BlockCollector(PngChunks& chunks) : chunks_(chunks) {}

  void take_exif(const Octets& body) {
    const std::string_view exif = as_text(body);
    of_chunk_ = octets_of(exif.substr(exif.starts_with(kExifStart) ? kExifStart.size() : 0));
  }

  void take_text(std::string_view type, Octets body) {
    const std::string key(keyword(body));
    if (key == "XML:com.adobe.xmp") {
      if (!chunks_.xmp.empty()) return;
      if (const auto words = words_of(type, as_text(body), left_)) chunks_.xmp = octets_of(*words);
      return;
    }
    if (key.starts_with(kDigits) && take_digits(key.substr(kDigits.size()), type, as_text(body)))
      return;
    chunks_.texts.push_back({std::string(type), std::move(body)});
  }

  void take_further(std::string_view type, Octets body, bool behind_pixels) {
    chunks_.further.push_back({std::string(type), std::move(body), behind_pixels});
  }

  /// The first of each type.
  void take_colours(std::string_view type, Octets body) { colours_.emplace(type, std::move(body)); }

  /// `profile`: there is one, or sRGB.
  void finish(bool profile) {
    for (const auto& [type, body] : colours_) {
      if (!profile || (type != "gAMA" && type != "cHRM")) append_colours(type, body);
    }
    chunks_.exif = of_chunk_.empty() ? std::move(of_digits_) : std::move(of_chunk_);
    const bool resources = as_text(iptc_).starts_with("8BIM");
    if (resources_.empty() && resources) resources_.swap(iptc_);
    if (!resources_.empty()) chunks_.iptc = octets_of("Photoshop 3.0\0"sv);
    chunks_.iptc.insert(chunks_.iptc.end(), resources_.begin(), resources_.end());
    if (iptc_.empty() || !unwrap_iptc(chunks_.iptc).empty()) return;  // the same once more
    const Octets wrapped = resources ? iptc_ : wrap_iptc(iptc_);
    const auto more = resources_.empty() ? std::span(wrapped) : image_resources(wrapped);
    chunks_.iptc.insert(chunks_.iptc.end(), more.begin(), more.end());
  }

 private:
  void append_colours(std::string_view type, const Octets& body) {
    const auto append = [&](std::uint32_t number) {
      for (int shift = 24; shift >= 0; shift -= 8)
        chunks_.colours.push_back(static_cast<std::uint8_t>(number >> shift));
    };
    append(static_cast<std::uint32_t>(body.size()));
    const std::size_t summed = chunks_.colours.size();
    chunks_.colours.insert(chunks_.colours.end(), type.begin(), type.end());
    chunks_.colours.insert(chunks_.colours.end(), body.begin(), body.end());
    append(static_cast<std::uint32_t>(
        crc32(0, chunks_.colours.data() + summed, static_cast<uInt>(type.size() + body.size()))));
  }

  /// Whether these digits are known here.
  bool take_digits(std::string name, std::string_view type, std::string_view body) {
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    if (name != "exif" && name != "app1" && name != "xmp" && name != "iptc" && name != "8bim")
      return false;
    const auto words = words_of(type, body, left_);
    const Octets block = words ? undigested(*words) : Octets();
    if (block.empty()) return false;
    const std::string_view text = as_text(block);
    if (name == "exif" || (name == "app1" && text.starts_with(kExifStart))) {
      keep_first(of_digits_, text.substr(text.starts_with(kExifStart) ? kExifStart.size() : 0));
    } else if (name == "xmp" || (name == "app1" && text.starts_with(kXmpStart))) {
      keep_first(chunks_.xmp, text.substr(text.starts_with(kXmpStart) ? kXmpStart.size() : 0));
    } else {
      const auto resources = image_resources(block);
      const bool bare = resources.empty() || resources[0] == 0x1c;
      if (name == "app1" || resources.empty() || (!bare && resources[0] != '8')) return false;
      Octets& place = name == "8bim" && !bare ? resources_ : iptc_;
      if (place.empty()) place.assign(resources.begin(), resources.end());
    }
    return true;
  }

  PngChunks& chunks_;
  std::map<std::string, Octets, std::less<>> colours_;
  Octets of_chunk_;   // EXIF
  Octets of_digits_;  // EXIF
  Octets resources_;
  Octets iptc_;  // records, or resources as well
  std::size_t left_ = kMostText;
};

std::string from_latin1(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto value = static_cast<unsigned char>(c);
    if (value < 0x80) {
      result += c;
    } else {
      result += static_cast<char>(0xc0 | value >> 6);
      result += static_cast<char>(0x80 | (value & 0x3f));
    }
  }
  return result;
}

}  // namespace

std::string comment_of(const TextBlock& text) {
  const std::string_view body = as_text(text.body);
  if (text.type == "COM") return std::string(body);
  if (keyword(text.body) != "Comment") return {};
  std::string_view rest = body.substr(std::min(body.size(), keyword(text.body).size() + 1));
  if (text.type == "tEXt") return from_latin1(rest);
  if (text.type != "iTXt" || rest.size() < 2 || rest[0] != '\0') return {};
  rest.remove_prefix(2);         // not deflated
  for (int i = 0; i < 2; ++i) {  // language and the keyword in it
    const std::size_t end = rest.find('\0');
    if (end == std::string_view::npos) return {};
    rest.remove_prefix(end + 1);
  }
  return std::string(rest);
}

TextBlock png_comment(const std::string& comment) {
  const bool ascii = std::ranges::all_of(comment, [](char c) { return (c & 0x80) == 0; });
  const bool utf8 = g_utf8_validate(comment.data(), static_cast<gssize>(comment.size()), nullptr);
  const bool international = !ascii && utf8;
  using namespace std::string_view_literals;
  std::string body(international ? "Comment\0\0\0\0\0"sv : "Comment\0"sv);
  body += comment;
  return {international ? "iTXt" : "tEXt", {body.begin(), body.end()}};
}

namespace {

void note_refused(const Allowance& allowance, const char* what, std::vector<std::string>& notes) {
  if (allowance.refused == 0) return;
  notes.push_back(fmt::format("{} beyond {} MiB are left out: {} of them, {} bytes", what,
                              kMostText >> 20, allowance.refused, allowance.refused_bytes));
}

}  // namespace

PngChunks read_png_chunks(const VipsSourcePointer& source, const std::string& name) {
  const gint64 length = vips_source_length(source.get());
  PngChunks chunks;
  BlockCollector blocks(chunks);
  Allowance texts;
  Allowance further;
  int damaged = 0;
  bool pixels = false;
  bool profile = false;
  Head head{};
  for (gint64 at = kSignatureBytes;
       at + kHeadBytes <= length && read_head(source.get(), at, head);) {
    const std::string_view type(reinterpret_cast<const char*>(head.data()) + 4, 4);
    const gint64 size = claimed_bytes(head);
    const gint64 left = length - at - kHeadBytes;
    pixels = pixels || type == "IDAT";
    if (size > left) {
      chunks.fault = fmt::format(
          "[image.read] '{}' is a PNG picture, but damaged or truncated: a part at byte {} claims "
          "{} bytes of the {} that follow",
          name, at, size, left);
      const bool harmless = pixels && (type == "IDAT" || size <= kMostText);
      CHIARO_CHECK(harmless, Input, "{}", chunks.fault);
      break;
    }
    if (type == "IEND") break;
    profile = profile || type == "iCCP" || type == "sRGB";
    const bool colours = !pixels && size > 0 && size == size_of_colours(type);
    if (colours) blocks.take_colours(type, body_at(source.get(), at, size));
    const bool text = holds_text(type) || type == "eXIf";
    if (text && texts.take(size)) {
      auto body = body_at(source.get(), at, size);
      if (type == "eXIf") {
        blocks.take_exif(body);
      } else if (!body.empty()) {
        blocks.take_text(type, std::move(body));
      }
    } else if (!text && is_safe_to_copy(type) && further.take(size)) {
      if (auto body = sound_body_at(source.get(), at, size, type)) {
        blocks.take_further(type, std::move(*body), pixels);
      } else {
        ++damaged;
      }
    }
    at += kHeadBytes + size + kSumBytes;
  }
  note_refused(texts, "texts and EXIF", chunks.notes);
  note_refused(further, "further chunks", chunks.notes);
  if (damaged > 0)
    chunks.notes.push_back(fmt::format("damaged further chunks are left out: {} of them", damaged));
  blocks.finish(profile);
  vips_source_rewind(source.get());
  vips_error_clear();
  return chunks;
}

void attach_png_blocks(VipsImage* header, const PngChunks& chunks) {
  const auto attach_block = [&](const char* name, const Octets& block) {
    const bool missing = !block.empty() && vips_image_get_typeof(header, name) == 0;
    if (missing) vips_image_set_blob_copy(header, name, block.data(), block.size());
    return missing;
  };
  if (attach_block(VIPS_META_EXIF_NAME, chunks.exif))
    vips_image_set_int(header, VIPS_META_ORIENTATION, orientation_of_exif(chunks.exif));
  attach_block(VIPS_META_XMP_NAME, chunks.xmp);
  attach_block(VIPS_META_IPTC_NAME, chunks.iptc);
  attach_block(kPngColours, chunks.colours);
}

StatedColours stated_colours(std::span<const std::uint8_t> colours) {
  constexpr auto kGamma = "gAMA\0\0\xb1\x8f"sv;  // 1/2.2
  constexpr auto kPrimaries =
      "cHRM\0\0\x7a\x26\0\0\x80\x84\0\0\xfa\0\0\0\x80\xe8"
      "\0\0\x75\x30\0\0\xea\x60\0\0\x3a\x98\0\0\x17\x70"sv;
  constexpr auto kCoded = "cICP\1\15\0\1"sv;
  constexpr std::array kOfSrgb{kGamma, kPrimaries, kCoded};
  constexpr std::size_t kTypeAt = 4;
  StatedColours stated;
  while (!colours.empty()) {
    const std::string_view rest(reinterpret_cast<const char*>(colours.data()), colours.size());
    const std::string_view type = rest.substr(kTypeAt, 4);
    const auto size = kHeadBytes + size_of_colours(type);
    const std::string_view chunk = rest.substr(kTypeAt, static_cast<std::size_t>(size) - kTypeAt);
    const bool of_samples = type == "gAMA" || type == "cHRM" || type == "cICP";
    stated.mastering = stated.mastering || !of_samples;
    stated.samples =
        stated.samples || (of_samples && std::ranges::find(kOfSrgb, chunk) == kOfSrgb.end());
    colours = colours.subspan(static_cast<std::size_t>(size + kSumBytes));
  }
  return stated;
}

}  // namespace chiaro::image
