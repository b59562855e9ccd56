#include "chiaro/image/png_chunks.h"

#include <vips/vips.h>

#include <array>
#include <cstdio>
#include <string_view>

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

}  // namespace

void check_png_chunks(const VipsSourcePointer& source, const std::string& name) {
  const gint64 length = vips_source_length(source.get());
  Head head{};
  for (gint64 at = kSignatureBytes;
       at + kHeadBytes <= length && read_head(source.get(), at, head);) {
    const std::string_view type(reinterpret_cast<const char*>(head.data()) + 4, 4);
    const gint64 size = claimed_bytes(head);
    const gint64 left = length - at - kHeadBytes;
    CHIARO_CHECK(size <= left, Input,
                 "[image.read] '{}' is a PNG picture, but damaged or truncated: a part at byte {} "
                 "claims {} bytes of the {} that follow",
                 name, at, size, left);
    if (type == "IEND") break;
    at += kHeadBytes + size + kSumBytes;
  }
  vips_source_rewind(source.get());
  vips_error_clear();
}

}  // namespace chiaro::image
