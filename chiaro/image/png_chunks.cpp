#include "chiaro/image/png_chunks.h"

#include <vips/vips.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

#include <glib.h>
#include <spdlog/spdlog.h>

#include "chiaro/base/error.h"

namespace chiaro::image {
namespace {

constexpr gint64 kSignatureBytes = 8;
constexpr gint64 kHeadBytes = 8;  // length and type of a chunk
constexpr gint64 kSumBytes = 4;   // behind its content

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

std::string_view as_text(const std::vector<std::uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string_view keyword(const std::vector<std::uint8_t>& body) {
  return as_text(body).substr(0, as_text(body).find('\0'));
}

/// XMP, and what ImageMagick files as digits, are read elsewhere.
bool is_read_elsewhere(std::string_view key) {
  return key == "XML:com.adobe.xmp" || key.starts_with("Raw profile type ");
}

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

PngChunks read_png_chunks(const VipsSourcePointer& source, const std::string& name) {
  const gint64 length = vips_source_length(source.get());
  constexpr gint64 kMostText = gint64{16} << 20;
  PngChunks chunks;
  gint64 taken = 0;
  bool pixels = false;
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
    if (holds_text(type) && (taken += size) <= kMostText) {
      auto body = body_at(source.get(), at, size);
      if (!body.empty() && !is_read_elsewhere(keyword(body)))
        chunks.texts.push_back({std::string(type), std::move(body)});
    }
    at += kHeadBytes + size + kSumBytes;
  }
  if (taken > kMostText)
    spdlog::warn("'{}' holds {} bytes of text; what goes beyond {} is left out", name, taken,
                 kMostText);
  vips_source_rewind(source.get());
  vips_error_clear();
  return chunks;
}

}  // namespace chiaro::image
