#include "chiaro/image/metadata_embed.h"

#include <spdlog/spdlog.h>
#include <webp/mux.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string_view>

#include "chiaro/base/error.h"
#include "chiaro/image/metadata_read.h"
#include "chiaro/image/png_chunks.h"
#include "chiaro/image/radiance.h"
#include "chiaro/image/resolution.h"
#include "chiaro/image/tiff_folders.h"

namespace chiaro::image {
namespace {

using namespace std::string_view_literals;
using Bytes = std::vector<std::byte>;

void append(Bytes& out, std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append(Bytes& out, std::span<const std::uint8_t> data) {
  const auto bytes = std::as_bytes(data);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_number(Bytes& out, std::size_t value, int count) {
  for (int i = count - 1; i >= 0; --i)
    out.push_back(static_cast<std::byte>(value >> (8 * i) & 0xff));
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// --- JPEG: segments of at most 65,533 bytes
// ---------------------------------------------------------------------------

constexpr std::size_t kMaxSegment = 65533;

void append_segment(Bytes& out, int marker, std::string_view prefix,
                    std::span<const std::uint8_t> body) {
  append_number(out, 0xff00U + static_cast<unsigned>(marker), 2);
  append_number(out, prefix.size() + body.size() + 2, 2);
  append(out, prefix);
  append(out, body);
}

void append_whole(Bytes& out, int marker, std::string_view prefix,
                  std::span<const std::uint8_t> body, const char* what) {
  if (body.empty()) return;
  if (prefix.size() + body.size() > kMaxSegment) {
    spdlog::warn("{} of {} bytes does not fit into a JPEG; left out", what, body.size());
    return;
  }
  append_segment(out, marker, prefix, body);
}

/// ICC.1:2022, annex B.4: the profile in numbered parts.
void append_icc(Bytes& out, std::span<const std::uint8_t> icc) {
  constexpr auto kPrefix = "ICC_PROFILE\0"sv;
  constexpr std::size_t kPart = kMaxSegment - kPrefix.size() - 2;
  const std::size_t parts = (icc.size() + kPart - 1) / kPart;
  if (parts > 255) {
    spdlog::warn("a colour profile of {} bytes does not fit into a JPEG; left out", icc.size());
    return;
  }
  for (std::size_t i = 0; i < parts; ++i) {
    std::string prefix(kPrefix);
    prefix += static_cast<char>(i + 1);
    prefix += static_cast<char>(parts);
    append_segment(out, 0xe2, prefix,
                   icc.subspan(i * kPart, std::min(kPart, icc.size() - i * kPart)));
  }
}

/// The records alone where the other image resources of Photoshop do not fit.
void append_iptc(Bytes& out, std::span<const std::uint8_t> iptc) {
  const auto records = unwrap_iptc(iptc);
  if (iptc.size() <= kMaxSegment || records.empty())
    return append_whole(out, 0xed, ""sv, iptc, "IPTC");
  spdlog::warn("image resources of {} bytes do not fit into a JPEG; left out, but for IPTC",
               iptc.size());
  append_whole(out, 0xed, ""sv, wrap_iptc(records), "IPTC");
}

bool is_whole(double value) {
  return std::abs(value - std::round(value)) < 0.01;
}

/// Unit and densities: dots per inch where they are whole, as they nearly always are; else per
/// centimetre. Unit 0 where the metadata have none.
void append_jfif_density(Bytes& out, const Metadata& metadata) {
  constexpr double kMost = 65535;
  const ResolutionTags tags = resolution_tags(metadata);
  const bool inches = tags.unit == kInch && is_whole(tags.x);
  double scale = tags.unit == kInch && !inches ? 1 / 2.54 : 1;
  const double longer = std::max(tags.x, tags.y);
  if (tags.unit == kNoUnit && (longer > kMost || !is_whole(tags.x) || !is_whole(tags.y)))
    scale = kMost / longer;  // a ratio bears it
  append_number(out, tags.unit == kNoUnit ? 0 : inches ? 1 : 2, 1);
  for (const double density : {tags.x, tags.y})
    append_number(out,
                  static_cast<std::size_t>(std::clamp(std::round(density * scale), 1.0, kMost)), 2);
}

Bytes embed_jpeg(std::span<const std::byte> coded, const Metadata& metadata) {
  constexpr std::size_t kStart = 2;
  CHIARO_CHECK(as_text(coded).starts_with("\xff\xd8\xff"), Internal,
               "[image.embed_metadata] got no JPEG");
  Bytes out(coded.begin(), coded.begin() + kStart);
  append_number(out, 0xffe0, 2);
  append_number(out, 16, 2);
  append(out, "JFIF\0\1\1"sv);
  append_jfif_density(out, metadata);
  append_number(out, 0, 2);  // no thumbnail

  append_whole(out, 0xe1, "Exif\0\0"sv, metadata.exif, "EXIF");
  append_whole(out, 0xe1, "http://ns.adobe.com/xap/1.0/\0"sv, metadata.xmp, "XMP");
  append_icc(out, metadata.icc);
  append_iptc(out, metadata.iptc);
  for (const auto& text : metadata.texts) {
    const std::string comment = comment_of(text);
    append_whole(out, 0xfe, ""sv,
                 {reinterpret_cast<const std::uint8_t*>(comment.data()), comment.size()},
                 "a comment");
  }
  out.insert(out.end(), coded.begin() + kStart, coded.end());
  return out;
}

// --- PNG: chunks behind the header
// --------------------------------------------------------------------------------------

void append_chunk(Bytes& out, std::string_view type, const Bytes& body) {
  append_number(out, body.size(), 4);
  const std::size_t summed = out.size();
  append(out, type);
  out.insert(out.end(), body.begin(), body.end());
  const auto* first = reinterpret_cast<const Bytef*>(out.data() + summed);
  append_number(out, crc32(0, first, static_cast<uInt>(out.size() - summed)), 4);
}

void append_deflated(Bytes& out, std::span<const std::uint8_t> data) {
  uLongf size = compressBound(static_cast<uLong>(data.size()));
  std::vector<std::uint8_t> deflated(size);
  CHIARO_CHECK(
      compress(deflated.data(), &size, data.data(), static_cast<uLong>(data.size())) == Z_OK,
      Internal, "[image.embed_metadata] zlib does not compress");
  append(out, std::span(deflated).first(size));
}

/// The form ImageMagick and ExifTool agreed on for what PNG has no chunk for: a heading, the
/// length, hexadecimal digits.
Bytes raw_profile(std::string_view name, std::span<const std::uint8_t> data) {
  std::string text = fmt::format("\n{}\n{:8}", name, data.size());
  constexpr auto kDigits = "0123456789abcdef"sv;
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (i % 36 == 0) text += '\n';
    text += kDigits[data[i] >> 4];
    text += kDigits[data[i] & 15];
  }
  text += '\n';
  Bytes body;
  append(body, fmt::format("Raw profile type {}", name));
  append(body, "\0\0"sv);
  append_deflated(body, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  return body;
}

void append_further(Bytes& out, const Metadata& metadata, bool behind_pixels) {
  for (const auto& chunk : metadata.further_chunks.chunks) {
    if (chunk.behind_pixels != behind_pixels) continue;
    Bytes body;
    append(body, chunk.body);
    append_chunk(out, chunk.type, body);
  }
}

Bytes embed_png(std::span<const std::byte> coded, const Metadata& metadata) {
  constexpr std::size_t kHeaderEnd = 33;
  CHIARO_CHECK(coded.size() > kHeaderEnd && as_text(coded).substr(12, 4) == "IHDR", Internal,
               "[image.embed_metadata] got a PNG without the usual beginning");
  // libvips always states a resolution, even where there is none.
  std::size_t rest = kHeaderEnd;
  if (as_text(coded).substr(rest + 4, 4) == "pHYs") rest += 21;
  Bytes out(coded.begin(), coded.begin() + kHeaderEnd);
  if (!metadata.icc.empty()) {
    Bytes body;
    append(body, "icc\0\0"sv);
    append_deflated(body, metadata.icc);
    append_chunk(out, "iCCP", body);
  }
  append(out, metadata.native_header);  // how the source's samples are meant
  if (metadata.x_pixels_per_mm > 0 && metadata.y_pixels_per_mm > 0) {
    const double x = metadata.x_pixels_per_mm;
    const double y = metadata.y_pixels_per_mm;
    const bool ratio = metadata.resolution_is_ratio;
    const double scale = ratio && is_whole(x) && is_whole(y) ? 1 : 1000;  // pixels in a metre
    Bytes body;
    append_number(body, static_cast<std::size_t>(std::llround(x * scale)), 4);
    append_number(body, static_cast<std::size_t>(std::llround(y * scale)), 4);
    append_number(body, ratio ? 0 : 1, 1);
    append_chunk(out, "pHYs", body);
  }
  if (!metadata.exif.empty()) {
    Bytes body;
    append(body, metadata.exif);
    append_chunk(out, "eXIf", body);
  }
  if (!metadata.xmp.empty()) {
    Bytes body;
    append(body, "XML:com.adobe.xmp\0\0\0\0\0"sv);
    append(body, metadata.xmp);
    append_chunk(out, "iTXt", body);
  }
  if (!metadata.iptc.empty())
    append_chunk(out, "zTXt", raw_profile("iptc", image_resources(metadata.iptc)));
  for (const auto& text : metadata.texts) {
    const TextBlock& block = text.type == "COM" ? png_comment(comment_of(text)) : text;
    Bytes body;
    append(body, block.body);
    append_chunk(out, block.type, body);
  }
  append_further(out, metadata, false);
  out.insert(out.end(), coded.begin() + static_cast<std::ptrdiff_t>(rest), coded.end());
  return out;
}

// --- WebP: chunks of its container
// ------------------------------------------------------------------------------------

Bytes embed_webp(std::span<const std::byte> coded, const Metadata& metadata) {
  struct DeleteMux {
    void operator()(WebPMux* mux) const { WebPMuxDelete(mux); }
  };
  const WebPData file{reinterpret_cast<const std::uint8_t*>(coded.data()), coded.size()};
  const std::unique_ptr<WebPMux, DeleteMux> mux(WebPMuxCreate(&file, 0));
  CHIARO_CHECK(mux, Internal, "[image.embed_metadata] got a damaged WebP");
  const auto put = [&](const char* name, const std::vector<std::uint8_t>& data) {
    if (data.empty()) return;
    const WebPData chunk{data.data(), data.size()};
    CHIARO_CHECK(WebPMuxSetChunk(mux.get(), name, &chunk, 0) == WEBP_MUX_OK, Internal,
                 "[image.embed_metadata] WebP does not take {}", name);
  };
  const auto exif = exif_with_resolution(metadata);  // until it is assembled: it is not copied
  put("ICCP", metadata.icc);
  WebPMuxDeleteChunk(mux.get(), "EXIF");  // libvips makes one up
  put("EXIF", exif);
  put("XMP ", metadata.xmp);
  WebPData assembled{};
  CHIARO_CHECK(WebPMuxAssemble(mux.get(), &assembled) == WEBP_MUX_OK, Internal,
               "[image.embed_metadata] WebP cannot be put together");
  Bytes out;
  append(out, {assembled.bytes, assembled.size});
  WebPDataClear(&assembled);
  return out;
}

}  // namespace

std::vector<std::byte> embed_metadata(const std::string& format, std::span<const std::byte> coded,
                                      const Metadata& metadata) {
  if (format == "jpeg") return embed_jpeg(coded, metadata);
  if (format == "png") return embed_png(coded, metadata);
  if (format == "webp") return embed_webp(coded, metadata);
  if (format == "hdr") return with_radiance_header(coded, metadata.native_header);
  Bytes out(coded.begin(), coded.end());
  if (format == "tiff") {
    if (const auto patch = lacking_unit(coded, metadata))
      std::ranges::copy(patch->bytes, out.begin() + static_cast<std::ptrdiff_t>(patch->at));
    const auto addition = addition_to_tiff(out, metadata.exif, tiff_blocks(metadata.iptc));
    if (addition.tail.empty()) return out;
    append(out, std::span(addition.tail));
    std::ranges::copy(addition.start.bytes,
                      out.begin() + static_cast<std::ptrdiff_t>(addition.start.at));
  }
  return out;
}

std::vector<std::byte> png_end(const Metadata& metadata) {
  Bytes out;
  append_further(out, metadata, true);
  if (!out.empty()) append_chunk(out, "IEND", {});
  return out;
}

}  // namespace chiaro::image
