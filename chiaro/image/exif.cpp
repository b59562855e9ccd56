#include "chiaro/image/exif.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

namespace chiaro::image {
namespace {

constexpr std::uint32_t kOrientation = 0x0112;
constexpr std::uint32_t kExifFolder = 0x8769;
constexpr std::uint32_t kWidth = 0xa002;
constexpr std::uint32_t kHeight = 0xa003;
constexpr std::uint32_t kXResolution = 0x011a;
constexpr std::uint32_t kYResolution = 0x011b;
constexpr std::uint32_t kResolutionUnit = 0x0128;
constexpr std::uint32_t kWhitePoint = 0x013e;
constexpr std::uint32_t kPrimaries = 0x013f;
constexpr std::array kWhite{0.3127, 0.3290};  // of sRGB
constexpr std::array kRedGreenBlue{0.64, 0.33, 0.30, 0.60, 0.15, 0.06};
constexpr std::uint32_t kShort = 3;
constexpr std::uint32_t kLong = 4;
constexpr std::uint32_t kRational = 5;
constexpr std::size_t kEntryBytes = 12;

/// Numbers in a TIFF structure of either byte order; reading outside of it gives 0, writing there
/// does nothing.
class TiffBytes {
 public:
  explicit TiffBytes(std::vector<std::uint8_t>& bytes)
      : bytes_(bytes), big_endian_(bytes.size() > 1 && bytes[0] == 'M') {}

  std::uint32_t get(std::size_t at, std::size_t count) const {
    if (at > bytes_.size() || bytes_.size() - at < count) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i)
      value = value << 8 | bytes_[at + (big_endian_ ? i : count - 1 - i)];
    return value;
  }

  void set(std::size_t at, std::size_t count, std::uint32_t value) {
    if (at > bytes_.size() || bytes_.size() - at < count) return;
    for (std::size_t i = 0; i < count; ++i) {
      bytes_[at + (big_endian_ ? count - 1 - i : i)] = static_cast<std::uint8_t>(value >> (8 * i));
    }
  }

  /// Where the 12-byte entry of a tag is in the folder at `folder`.
  std::optional<std::size_t> find(std::size_t folder, std::uint32_t tag) const {
    for (std::size_t i = 0; i < get(folder, 2); ++i) {
      const std::size_t entry = folder + 2 + 12 * i;
      if (get(entry, 2) == tag) return entry;
    }
    return std::nullopt;
  }

  /// Changes a single number stored in its entry.
  void change(std::size_t folder, std::uint32_t tag, std::uint32_t value) {
    const auto entry = find(folder, tag);
    if (!entry || get(*entry + 4, 4) != 1) return;
    const std::uint32_t type = get(*entry + 2, 2);
    if (type == kLong) set(*entry + 8, 4, value);
    if (type == kShort && value <= 0xffff) set(*entry + 8, 2, value);
  }

  std::size_t first_folder() const { return get(4, 4); }

  /// A fraction of two numbers outside of its entry; 0 where it is none.
  double fraction(std::size_t folder, std::uint32_t tag) const {
    const auto values = fractions(folder, tag, 1);
    return values.empty() ? 0 : values.front();
  }

  /// As many; empty where it has not.
  std::vector<double> fractions(std::size_t folder, std::uint32_t tag, std::size_t count) const {
    const auto entry = find(folder, tag);
    if (!entry || get(*entry + 2, 2) != kRational || get(*entry + 4, 4) != count) return {};
    std::vector<double> values;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = get(*entry + 8, 4) + 8 * i;
      const double under = get(at + 4, 4);
      values.push_back(under > 0 ? get(at, 4) / under : 0);
    }
    return values;
  }

  /// Takes an entry out of a folder; its data stays where it is, for nobody.
  void remove(std::size_t folder, std::uint32_t tag) {
    const auto entry = find(folder, tag);
    const std::size_t count = get(folder, 2);
    const std::size_t end = folder + 2 + kEntryBytes * count + 4;  // with the link behind it
    if (!entry || end > bytes_.size()) return;
    const auto at = bytes_.begin() + static_cast<std::ptrdiff_t>(*entry);
    std::copy(at + kEntryBytes, bytes_.begin() + static_cast<std::ptrdiff_t>(end), at);
    set(folder, 2, static_cast<std::uint32_t>(count - 1));
  }

  void append(std::size_t count, std::uint32_t value) {
    bytes_.resize(bytes_.size() + count);
    set(bytes_.size() - count, count, value);
  }

 private:
  std::vector<std::uint8_t>& bytes_;
  bool big_endian_;
};

/// A whole number where it is one, else in thousandths, as far as there is room for them.
std::pair<std::uint32_t, std::uint32_t> as_fraction(double value) {
  constexpr double kMost = std::numeric_limits<std::uint32_t>::max();
  const bool whole = std::abs(value - std::round(value)) < 1e-6 || value * 1000 > kMost;
  const double above = std::clamp(std::round(whole ? value : value * 1000), 1.0, kMost);
  return {static_cast<std::uint32_t>(above), whole ? 1 : 1000};
}

}  // namespace

void make_exif_upright(std::vector<std::uint8_t>& exif) {
  TiffBytes tiff(exif);
  const std::size_t folder = tiff.first_folder();
  if (folder == 0) return;
  tiff.change(folder, kOrientation, 1);
  tiff.set(folder + 2 + 12 * tiff.get(folder, 2), 4, 0);  // the link to the thumbnail's folder
}

int orientation_of_exif(std::vector<std::uint8_t> exif) {
  const TiffBytes tiff(exif);
  const std::size_t folder = tiff.first_folder();
  const auto entry = folder == 0 ? std::nullopt : tiff.find(folder, kOrientation);
  if (!entry || tiff.get(*entry + 2, 2) != kShort) return 1;
  const std::uint32_t value = tiff.get(*entry + 8, 2);
  return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
}

void drop_exif_colours(std::vector<std::uint8_t>& exif) {
  TiffBytes tiff(exif);
  const std::size_t folder = tiff.first_folder();
  const bool said_something = tiff.get(folder, 2) > 0;
  for (const std::uint32_t tag : {kWhitePoint, kPrimaries}) tiff.remove(folder, tag);
  if (said_something && tiff.get(folder, 2) == 0) exif.clear();
}

bool exif_colours_are_srgb(std::vector<std::uint8_t> exif) {
  const TiffBytes tiff(exif);
  const std::size_t folder = tiff.first_folder();
  return are_srgb_colours(tiff.fractions(folder, kWhitePoint, kWhite.size())) &&
         are_srgb_colours(tiff.fractions(folder, kPrimaries, kRedGreenBlue.size()));
}

bool are_srgb_colours(std::span<const double> values) {
  constexpr double kRounded = 1e-4;
  const auto close = [](double a, double b) { return std::abs(a - b) < kRounded; };
  return std::ranges::equal(values, kWhite, close) ||
         std::ranges::equal(values, kRedGreenBlue, close);
}

void set_exif_size(std::vector<std::uint8_t>& exif, int width, int height) {
  TiffBytes tiff(exif);
  const auto link = tiff.find(tiff.first_folder(), kExifFolder);
  if (!link) return;
  const std::size_t folder = tiff.get(*link + 8, 4);
  tiff.change(folder, kWidth, static_cast<std::uint32_t>(width));
  tiff.change(folder, kHeight, static_cast<std::uint32_t>(height));
}

ExifResolution resolution_of_exif(const std::vector<std::uint8_t>& exif) {
  std::vector<std::uint8_t> bytes = exif;
  const TiffBytes tiff(bytes);
  const std::size_t folder = tiff.first_folder();
  ExifResolution result{tiff.fraction(folder, kXResolution), tiff.fraction(folder, kYResolution)};
  if (const auto unit = tiff.find(folder, kResolutionUnit))
    result.unit = static_cast<int>(tiff.get(*unit + 8, 2));
  return result;
}

std::vector<std::uint8_t> with_exif_resolution(std::vector<std::uint8_t> exif,
                                               const ExifResolution& resolution) {
  if (exif.empty()) exif = {'I', 'I', 42, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0};  // an empty folder
  TiffBytes tiff(exif);
  const std::size_t old = tiff.first_folder();
  const std::size_t count = tiff.get(old, 2);
  const std::size_t end = old + 2 + kEntryBytes * count;
  if (old < 8 || end + 4 > exif.size() || tiff.find(old, kXResolution)) return exif;
  // A new folder behind all else takes the entries as they are: places count from the beginning.
  std::vector<std::size_t> kept;
  for (std::size_t at = old + 2; at < end; at += kEntryBytes) {
    const std::uint32_t tag = tiff.get(at, 2);
    if (tag != kYResolution && tag != kResolutionUnit) kept.push_back(at);
  }
  if (exif.size() % 2 != 0) exif.push_back(0);
  const std::size_t x_at = exif.size();
  for (const double value : {resolution.x, resolution.y}) {
    const auto [above, under] = as_fraction(value);
    tiff.append(4, above);
    tiff.append(4, under);
  }
  tiff.set(4, 4, static_cast<std::uint32_t>(exif.size()));
  tiff.append(2, static_cast<std::uint32_t>(kept.size() + 3));
  // Little-endian or not, a short number stands first in its four bytes.
  const auto add = [&](std::uint32_t tag, std::uint32_t type, std::size_t value) {
    const std::size_t bytes = type == kShort ? 2 : 4;
    tiff.append(2, tag);
    tiff.append(2, type);
    tiff.append(4, 1);
    tiff.append(bytes, static_cast<std::uint32_t>(value));
    exif.resize(exif.size() + 4 - bytes);
  };
  const auto keep_until = [&](std::size_t& next, std::uint32_t tag) {
    for (; next < kept.size() && tiff.get(kept[next], 2) < tag; ++next)
      for (std::size_t i = 0; i < kEntryBytes; ++i) exif.push_back(exif[kept[next] + i]);
  };
  std::size_t next = 0;
  keep_until(next, kXResolution);
  add(kXResolution, kRational, x_at);
  add(kYResolution, kRational, x_at + 8);
  keep_until(next, kResolutionUnit);
  add(kResolutionUnit, kShort, static_cast<std::size_t>(resolution.unit));
  keep_until(next, std::numeric_limits<std::uint32_t>::max());
  tiff.append(4, tiff.get(end, 4));  // the folder behind it
  return exif;
}

}  // namespace chiaro::image
