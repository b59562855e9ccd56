#include "chiaro/image/salvage.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include <vips/vips.h>

#include "chiaro/base/error.h"
#include "chiaro/image/row_decoder.h"
#include "chiaro/image/upright.h"
#include "chiaro/image/vips_decode.h"

namespace chiaro::image {
namespace {

namespace fs = std::filesystem;

/// The sound part is that of the first stored rows.
void keep_rows(int orientation, int rows, Damage& damage) {
  // EXIF 2.32, tag 0x0112: on which side the stored first row is.
  const bool first = orientation != 3 && orientation != 4 && orientation != 6 && orientation != 7;
  int& length = transposes(orientation) ? damage.width : damage.height;
  int& begin = transposes(orientation) ? damage.x : damage.y;
  if (!first) begin = length - rows;
  length = rows;
}

using Open = std::function<OpenedPicture(Demand)>;

/// Of a JPEG, also where there are no rows before the fault: the scans of a progressive one come
/// together before its first row.
DecodedRows beginning_of(const OpenedPicture& picture, const ReadOptions& options) {
  try {
    return decode_rows(picture, options);
  } catch (const Error& error) {
    if (picture.type.format != "jpeg" || error.code() != ErrorCode::Input) throw;
    return {{}, 0, error.what()};
  }
}

/// Whether libjpeg found something to decode: of headers alone it makes a grey picture, and of the
/// bits that are missing a spot at its beginning.
bool shows_something(const Image& picture) {
  constexpr std::size_t kShare = 16;
  const auto values = picture.plane(0);
  const float middle = picture.at(0, picture.height() / 2, picture.width() / 2);
  const auto equal = static_cast<std::size_t>(std::ranges::count(values, middle));
  return (values.size() - equal) * kShare >= values.size();
}

Salvaged salvage_opened(const Open& open, const ReadOptions& options) {
  const OpenedPicture picture = open(Demand::Beginning);
  const int height = picture.header->Ysize;
  DecodedRows decoded = beginning_of(picture, options);
  if (decoded.fault.empty()) return {std::move(decoded.picture), std::nullopt};
  if (picture.type.format == "jpeg") {
    decoded.picture = {};  // not two of them in memory
    decoded.picture = decode_rows(open(Demand::Anything), options, Notes::Unsaid).picture;
    vips_error_clear();  // what libjpeg warns of is no fault of the next picture
    CHIARO_CHECK(decoded.rows > 0 || shows_something(decoded.picture), Input, "{}", decoded.fault);
  }
  Damage damage{.fault = std::move(decoded.fault),
                .missing = std::nullopt,
                .height = decoded.picture.height(),
                .width = decoded.picture.width()};
  if (decoded.rows > 0) {
    damage.missing = static_cast<double>(height - decoded.rows) / height;
    keep_rows(vips_image_get_orientation(picture.header.get()), decoded.rows, damage);
  }
  return {std::move(decoded.picture), std::move(damage)};
}

}  // namespace

Salvaged salvage(const fs::path& path, const ReadOptions& options) {
  return salvage_opened([&](Demand demand) { return open_picture(path, kFirstPage, demand); },
                        options);
}

Salvaged salvage(std::span<const std::byte> bytes, const std::string& name,
                 const ReadOptions& options) {
  return salvage_opened(
      [&](Demand demand) { return open_picture(bytes, name, kFirstPage, demand); }, options);
}

Image sound_part(const Image& salvaged, const Damage& damage) {
  return crop(salvaged, damage.y, damage.x, damage.height, damage.width);
}

Image with_the_rest(const Image& salvaged, const Damage& damage, const Image& part) {
  const int scale = part.width() / damage.width;
  const auto step = static_cast<std::size_t>(scale);
  CHIARO_CHECK(part.width() == damage.width * scale && part.height() == damage.height * scale,
               Internal, "[image.with_the_rest] a part of {}x{} does not fit; expected {}x{}",
               part.width(), part.height(), damage.width, damage.height);
  Image whole(part.channels(), salvaged.height() * scale, salvaged.width() * scale);
  whole.sample_type = part.sample_type;
  whole.metadata = part.metadata;
  const auto width = static_cast<std::size_t>(whole.width());
  const auto fill = [&](std::span<float> plane, std::span<const float> rest,
                        std::span<const float> made) {
    for (std::size_t y = 0; y < static_cast<std::size_t>(whole.height()); ++y) {
      for (std::size_t x = 0; x < width; ++x)
        plane[y * width + x] = rest.empty() ? 1 : rest[y / step * (width / step) + x / step];
    }
    const auto length = static_cast<std::size_t>(part.width());
    for (std::size_t y = 0; y < static_cast<std::size_t>(part.height()); ++y) {
      const std::size_t at = (y + static_cast<std::size_t>(damage.y * scale)) * width +
                             static_cast<std::size_t>(damage.x * scale);
      std::copy_n(made.data() + y * length, length, plane.data() + at);
    }
  };
  for (int c = 0; c < part.channels(); ++c)
    fill(whole.plane(c), salvaged.plane(std::min(c, salvaged.channels() - 1)), part.plane(c));
  if (part.alpha.empty()) return whole;
  whole.alpha.resize(whole.plane_size());
  fill(whole.alpha, salvaged.alpha, part.alpha);
  return whole;
}

Probe probe_damaged(const fs::path& path) {
  return probe_picture(path, Demand::Beginning);
}

Probe probe_damaged(std::span<const std::byte> bytes, const std::string& name) {
  return probe_picture(bytes, name, Demand::Beginning);
}

bool is_whole(const fs::path& path) {
  const OpenedPicture picture = open_picture(path, kFirstPage, Demand::Beginning);
  if (!picture.fault.empty()) return false;
  const RowDecoder rows(picture, {}, Notes::Unsaid);
  constexpr int kRows = 16;
  std::vector<float> strip(rows.stride() * kRows);
  try {
    for (int y = 0; y < rows.height(); y += kRows)
      rows.decode(y, std::min(kRows, rows.height() - y), strip.data());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Input) throw;
    return false;
  }
  return true;
}

}  // namespace chiaro::image
