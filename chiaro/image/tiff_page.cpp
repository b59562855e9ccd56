#include "chiaro/image/tiff_page.h"

#include <vips/vips.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "chiaro/image/metadata_read.h"
#include "chiaro/image/tiff_folders.h"

namespace chiaro::image {
namespace {

/// A source with other bytes in a few places.
struct Overlaid {
  VipsSourcePointer below;
  std::vector<TiffPatch> patches;
  gint64 at = 0;

  gint64 read(char* buffer, gint64 size) {
    if (vips_source_seek(below.get(), at, SEEK_SET) != at) return -1;
    const gint64 got = vips_source_read(below.get(), buffer, static_cast<std::size_t>(size));
    if (got <= 0) return got;
    for (const TiffPatch& patch : patches) {
      const auto begin = static_cast<gint64>(patch.at);
      const gint64 from = std::max(begin, at);
      const gint64 to = std::min(begin + static_cast<gint64>(patch.bytes.size()), at + got);
      if (from < to)
        std::memcpy(buffer + (from - at), patch.bytes.data() + (from - begin),
                    static_cast<std::size_t>(to - from));
    }
    at += got;
    return got;
  }

  gint64 seek(gint64 offset, int whence) {
    const gint64 origin = whence == SEEK_SET   ? 0
                          : whence == SEEK_CUR ? at
                                               : vips_source_length(below.get());
    if (origin < 0 || origin + offset < 0) return -1;
    return at = origin + offset;
  }
};

gint64 read_overlaid(VipsSourceCustom*, void* buffer, gint64 size, Overlaid* overlaid) {
  return overlaid->read(static_cast<char*>(buffer), size);
}

gint64 seek_overlaid(VipsSourceCustom*, gint64 offset, int whence, Overlaid* overlaid) {
  return overlaid->seek(offset, whence);
}

void release_overlaid(void* overlaid, GClosure*) {
  delete static_cast<Overlaid*>(overlaid);
}

}  // namespace

VipsSourcePointer lone_tiff_page(VipsSource* source, int page) {
  std::vector<TiffPatch> patches;
  show_whole(source, [&](std::span<const std::uint8_t> file) {
    patches = patches_for_lone_page(file, page);
  });
  if (patches.empty()) return nullptr;
  auto* const overlaid = new Overlaid{
      VipsSourcePointer(static_cast<VipsSource*>(g_object_ref(source))), std::move(patches)};
  VipsSourceCustom* const custom = vips_source_custom_new();
  g_signal_connect_data(custom, "read", G_CALLBACK(read_overlaid), overlaid, release_overlaid,
                        GConnectFlags{});
  g_signal_connect(custom, "seek", G_CALLBACK(seek_overlaid), overlaid);
  return VipsSourcePointer(VIPS_SOURCE(custom));
}

}  // namespace chiaro::image
