#include <libexif/exif-tag.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "chiaro/base/text.h"
#include "chiaro/image/exif.h"
#include "chiaro/image/inventory.h"

namespace chiaro::image {
namespace {

/// Tags of the main folder that say how the pixels are stored, or that are read elsewhere.
constexpr std::array<std::size_t, 60> kStructural{
    0x00fe, 0x00ff, 0x0100, 0x0101, 0x0102, 0x0103, 0x0106, 0x0107, 0x0108, 0x0109, 0x010a, 0x0111,
    0x0112, 0x0115, 0x0116, 0x0117, 0x0118, 0x0119, 0x011a, 0x011b, 0x011c, 0x0120, 0x0121, 0x0122,
    0x0123, 0x0124, 0x0125, 0x0128, 0x0129, 0x013d, 0x0140, 0x0141, 0x0142, 0x0143, 0x0144, 0x0145,
    0x014a, 0x014c, 0x014d, 0x0150, 0x0152, 0x0153, 0x0154, 0x0155, 0x0156, 0x015b, 0x0200, 0x0201,
    0x0202, 0x0203, 0x0211, 0x0212, 0x0213, 0x0214, 0x02bc, 0x83bb, 0x8649, 0x8769, 0x8773, 0x8825};

/// The name of a tag in a group of EXIF, as the standard spells it; of tags of its own a TIFF has
/// few.
std::string name_of(std::size_t tag, ExifIfd group) {
  switch (tag) {
    case 0x010d:
      return "DocumentName";
    case 0x011d:
      return "PageName";
    case 0x011e:
      return "XPosition";
    case 0x011f:
      return "YPosition";
    case 0x9213:
      return "ImageHistory";
    case 0x830e:
      return "GeoTIFF ModelPixelScale";
    case 0x8482:
      return "GeoTIFF ModelTiepoint";
    case 0x87af:
      return "GeoTIFF keys";
    default:
      break;
  }
  const char* known = exif_tag_get_name_in_ifd(static_cast<ExifTag>(tag), group);
  return known == nullptr ? fmt::format("tag {:#06x}", tag) : known;
}

class Walk {
 public:
  Walk(std::span<const std::uint8_t> bytes, Inventory& items)
      : bytes_(bytes), items_(items), big_endian_(bytes[0] == 'M'), big_tiff_(number(2, 2) == 43) {}

  bool is_tiff() const { return number(2, 2) == 42 || (number(2, 2) == 43 && number(4, 2) == 8); }

  std::size_t first_folder() const { return big_tiff_ ? number(8, 8) : number(4, 4); }

  std::size_t number(std::size_t at, std::size_t count) const {
    if (at > bytes_.size() || bytes_.size() - at < count) return 0;
    std::size_t value = 0;
    for (std::size_t i = 0; i < count; ++i)
      value = value << 8 | bytes_[at + (big_endian_ ? i : count - 1 - i)];
    return value;
  }

  // Types of values (TIFF 6.0, section 2).
  static constexpr std::size_t kShort = 3;
  static constexpr std::size_t kLong = 4;
  static constexpr std::size_t kRational = 5;
  static constexpr std::size_t kSignedShort = 8;
  static constexpr std::size_t kSignedLong = 9;
  static constexpr std::size_t kSignedRational = 10;

  enum class Kind { Main, Photo, Gps, Interoperability };

  /// Notes the folder at `at`; returns where the next one is.
  std::size_t folder(std::size_t at, Kind kind, bool as_file) {
    const std::size_t count = begin(at);
    for (std::size_t i = 0; i < count; ++i) note(entry(at, i), kind, as_file);
    return next_of(at, count);
  }

  /// As folder, but notes only whether it is derived.
  std::size_t pass(std::size_t at) {
    const std::size_t count = begin(at);
    for (std::size_t i = 0; i < count; ++i) look_for_derived(entry(at, i));
    return next_of(at, count);
  }

  /// Where the folder behind the one at `at` is, without a look at either.
  std::size_t skip(std::size_t at) const {
    if (at == 0 || at >= bytes_.size()) return 0;
    const std::size_t count = number(at, head_bytes());
    return count > (bytes_.size() - at) / length() ? 0 : next_of(at, count);
  }

  /// Whether there is a folder at `at` that was not seen before.
  bool leads_on(std::size_t at) const {
    return number(at, head_bytes()) > 0 && !seen_.contains(at);
  }

  /// Whether the last folder is a reduced copy of another page, or a mask.
  bool derived() const { return derived_; }

 private:
  static std::size_t size_of_type(std::size_t type) {
    constexpr std::array<std::size_t, 19> kSizes{0, 1, 1, 2, 4, 8, 1, 1, 2, 4,
                                                 8, 4, 8, 4, 0, 0, 8, 8, 8};
    return type < kSizes.size() ? kSizes[type] : 0;
  }

  std::size_t offset_bytes() const { return big_tiff_ ? 8 : 4; }
  std::size_t head_bytes() const { return big_tiff_ ? 8 : 2; }
  std::size_t length() const { return big_tiff_ ? 20 : 12; }  // of an entry

  struct Entry {
    std::size_t tag = 0;
    std::size_t type = 0;
    std::size_t count = 0;
    std::size_t data = 0;  // where it is
    std::size_t size = 0;  // 0: of no known type, or not within the file
  };

  /// How many entries are to be read of the folder at `at`. Folders of a sound file do not overlap.
  std::size_t begin(std::size_t at) {
    derived_ = false;
    if (at == 0 || at >= bytes_.size() || !seen_.insert(at).second) return 0;
    const std::size_t count = std::min(number(at, head_bytes()), (bytes_.size() - at) / length());
    if (count * length() > bytes_.size() - walked_) return 0;
    walked_ += count * length();
    return count;
  }

  std::size_t next_of(std::size_t at, std::size_t count) const {
    return count == 0 ? 0 : number(at + head_bytes() + length() * count, offset_bytes());
  }

  Entry entry(std::size_t folder_at, std::size_t index) const {
    const std::size_t at = folder_at + head_bytes() + length() * index;
    Entry found{number(at, 2), number(at + 2, 2), number(at + 4, offset_bytes())};
    if (found.count > bytes_.size()) return found;
    const std::size_t size = size_of_type(found.type) * found.count;
    const std::size_t value_at = at + 4 + offset_bytes();
    found.data = size <= offset_bytes() ? value_at : number(value_at, offset_bytes());
    if (size <= bytes_.size() && found.data <= bytes_.size() - size) found.size = size;
    return found;
  }

  void look_for_derived(const Entry& one) {
    if (one.size == 0 || (one.tag != 0x00fe && one.tag != 0x00ff)) return;
    const std::size_t value = number(one.data, size_of_type(one.type));
    derived_ |= one.tag == 0x00ff ? value == 2 : (value & (1 | 4)) != 0;
  }

  void note(const Entry& one, Kind kind, bool as_file) {
    const auto [tag, type, count, data, size] = one;
    // Entries of a sound file do not share their data.
    if (size == 0 || size > bytes_.size() - held_) return;
    held_ += size;
    const std::size_t unit = size_of_type(type);
    const bool main = kind == Kind::Main;
    if (tag == 0x8769 || tag == 0x8825 || tag == 0xa005) {
      // Followed from where they belong, so that no file leads deeper.
      if (main && tag == 0x8769) descend(number(data, unit), Kind::Photo);
      if (main && tag == 0x8825) descend(number(data, unit), Kind::Gps);
      if (kind == Kind::Photo && tag == 0xa005) descend(number(data, unit), Kind::Interoperability);
      return;
    }
    std::string value(reinterpret_cast<const char*>(bytes_.data()) + data, size);
    if (main && as_file) {
      look_for_derived(one);
      if (tag == 0x02bc) take_xmp_inventory(value, items_);
      if (tag == 0x83bb) take_iptc_inventory(value, items_);
      if (tag == 0x8649) take_resource_inventory(value, items_);
      if (tag == 0x8773) items_["ICC profile"] = value;
      if (tag == 0x014a) items_["further pictures (SubIFD)"] = fmt::format("{}", count);
    }
    const bool follows_pixels = !main && (tag == 0xa002 || tag == 0xa003);
    if (follows_pixels || tag == 0xea1c) return;  // sizes; padding
    if (main && std::ranges::find(kStructural, tag) != kStructural.end()) return;
    if (main && (tag == 0x013e || tag == 0x013f) && are_srgb_colours(fractions_of(one))) return;
    const std::size_t step = type == kRational || type == kSignedRational ? 4 : unit;
    if (const std::string numbers = numbers_of(one); !numbers.empty()) {
      value = numbers;
    } else if (big_endian_ && step > 1) {
      for (std::size_t i = 0; i < size; i += step) std::reverse(&value[i], &value[i] + step);
    }
    const std::string name = name_of(tag, exif_group_of(kind));
    items_[(name.starts_with("GPS") ? "EXIF" : group_of(kind)) + (" " + name)] = value;
  }

  /// "125", "1/60", "24/1, 70/1": whole numbers and fractions, as people read them; "" of other
  /// types and of too many.
  std::string numbers_of(const Entry& one) const {
    constexpr std::size_t kMost = 16;
    const bool fraction = one.type == kRational || one.type == kSignedRational;
    const bool whole = one.type == kShort || one.type == kLong || one.type == kSignedShort ||
                       one.type == kSignedLong;
    if (!(fraction || whole) || one.count > kMost) return {};
    const bool negative = one.type >= kSignedShort;
    const std::size_t bytes = one.type == kShort || one.type == kSignedShort ? 2 : 4;
    const auto text = [&](std::size_t at) {
      const std::size_t value = number(at, bytes);
      const std::size_t over = std::size_t{1} << (8 * bytes);
      return negative && value >= over / 2 ? fmt::format("-{}", over - value)
                                           : fmt::format("{}", value);
    };
    std::vector<std::string> all;
    for (std::size_t at = one.data; at < one.data + one.size; at += bytes * (fraction ? 2 : 1))
      all.push_back(fraction ? text(at) + "/" + text(at + bytes) : text(at));
    return join(all);
  }

  std::vector<double> fractions_of(const Entry& one) const {
    constexpr std::size_t kMost = 6;  // primaries
    std::vector<double> values;
    if (one.type != kRational || one.count > kMost) return values;
    for (std::size_t at = one.data; at < one.data + one.size; at += 8) {
      const auto under = static_cast<double>(number(at + 4, 4));
      values.push_back(under > 0 ? static_cast<double>(number(at, 4)) / under : 0);
    }
    return values;
  }

  void descend(std::size_t at, Kind kind) {
    const bool derived = derived_;
    folder(at, kind, false);
    derived_ = derived;
  }

  static const char* group_of(Kind kind) {
    if (kind == Kind::Gps) return "EXIF GPS";
    return kind == Kind::Interoperability ? "EXIF interoperability" : "EXIF";
  }

  static ExifIfd exif_group_of(Kind kind) {
    if (kind == Kind::Gps) return EXIF_IFD_GPS;
    if (kind == Kind::Interoperability) return EXIF_IFD_INTEROPERABILITY;
    return kind == Kind::Photo ? EXIF_IFD_EXIF : EXIF_IFD_0;
  }

  std::span<const std::uint8_t> bytes_;
  Inventory& items_;
  bool big_endian_;
  bool big_tiff_;
  bool derived_ = false;
  std::size_t walked_ = 0;  // bytes of entries
  std::size_t held_ = 0;    // bytes of data
  std::set<std::size_t> seen_;
};

}  // namespace

void take_tiff_inventory(std::span<const std::uint8_t> tiff, bool as_file, Inventory& items,
                         int page) {
  const bool sound = tiff.size() >= 8 && tiff[0] == tiff[1] && (tiff[0] == 'I' || tiff[0] == 'M');
  if (!sound) return;
  Walk walk(tiff, items);
  if (!walk.is_tiff()) return;
  std::size_t at = walk.first_folder();
  for (int i = 0; i < page && at != 0; ++i) at = walk.skip(at);
  std::size_t next = walk.folder(at, Walk::Kind::Main, as_file);
  // The next folder of an EXIF block is its thumbnail.
  if (!as_file || page > 0) return;
  int pages = 0;
  int derived = 0;
  Walk others(tiff, items);
  (void)others.pass(at);
  while (next != 0 && others.leads_on(next) && pages + derived < 100'000) {
    next = others.pass(next);
    ++(others.derived() ? derived : pages);
  }
  if (pages > 0) items["further pictures (pages)"] = fmt::format("{}", pages);
  if (derived > 0)
    items["further pictures (reduced copies and masks)"] = fmt::format("{}", derived);
}

}  // namespace chiaro::image
