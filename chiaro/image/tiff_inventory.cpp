#include <algorithm>
#include <array>
#include <cstddef>
#include <set>

#include <fmt/format.h>

#include "chiaro/image/inventory.h"

namespace chiaro::image {
namespace {

/// Tags of the main folder that say how the pixels are stored, or that are read elsewhere.
constexpr std::array<std::size_t, 63> kStructural{
    0x00fe, 0x00ff, 0x0100, 0x0101, 0x0102, 0x0103, 0x0106, 0x0107, 0x0108, 0x0109, 0x010a,
    0x0111, 0x0112, 0x0115, 0x0116, 0x0117, 0x0118, 0x0119, 0x011a, 0x011b, 0x011c, 0x0120,
    0x0121, 0x0122, 0x0123, 0x0124, 0x0125, 0x0128, 0x0129, 0x012d, 0x013d, 0x013e, 0x013f,
    0x0140, 0x0141, 0x0142, 0x0143, 0x0144, 0x0145, 0x014a, 0x014c, 0x014d, 0x0150, 0x0152,
    0x0153, 0x0154, 0x0155, 0x0156, 0x015b, 0x0200, 0x0201, 0x0202, 0x0203, 0x0211, 0x0212,
    0x0213, 0x0214, 0x02bc, 0x83bb, 0x8649, 0x8769, 0x8773, 0x8825};

struct TagName {
  std::size_t tag;
  const char* name;
};
constexpr std::array kNames{TagName{0x010d, "DocumentName"},
                            TagName{0x010e, "ImageDescription"},
                            TagName{0x010f, "Make"},
                            TagName{0x0110, "Model"},
                            TagName{0x011d, "PageName"},
                            TagName{0x0131, "Software"},
                            TagName{0x0132, "DateTime"},
                            TagName{0x013b, "Artist"},
                            TagName{0x8298, "Copyright"},
                            TagName{0x829a, "ExposureTime"},
                            TagName{0x829d, "FNumber"},
                            TagName{0x8827, "ISO"},
                            TagName{0x9003, "DateTimeOriginal"},
                            TagName{0x9004, "CreateDate"},
                            TagName{0x920a, "FocalLength"},
                            TagName{0x927c, "MakerNote"},
                            TagName{0x9286, "UserComment"},
                            TagName{0xa434, "LensModel"},
                            TagName{0x830e, "GeoTIFF ModelPixelScale"},
                            TagName{0x8482, "GeoTIFF ModelTiepoint"},
                            TagName{0x87af, "GeoTIFF keys"}};

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

  /// Notes the folder at `at`; returns where the next one is.
  std::size_t folder(std::size_t at, const std::string& group, bool main, bool as_file) {
    derived_ = false;
    if (at == 0 || at >= bytes_.size() || !seen_.insert(at).second) return 0;
    const std::size_t head = big_tiff_ ? 8 : 2;
    const std::size_t length = big_tiff_ ? 20 : 12;
    const std::size_t count = std::min(number(at, head), (bytes_.size() - at) / length);
    for (std::size_t i = 0; i < count; ++i) entry(at + head + length * i, group, main, as_file);
    return number(at + head + length * count, offset_bytes());
  }

  /// Whether there is a folder at `at` that was not seen before.
  bool leads_on(std::size_t at) const {
    return number(at, big_tiff_ ? 8 : 2) > 0 && !seen_.contains(at);
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

  void entry(std::size_t at, const std::string& group, bool main, bool as_file) {
    const std::size_t tag = number(at, 2);
    const std::size_t type = number(at + 2, 2);
    const std::size_t unit = size_of_type(type);
    const std::size_t count = number(at + 4, offset_bytes());
    if (unit == 0 || count == 0 || count > bytes_.size()) return;
    const std::size_t size = unit * count;
    const std::size_t value_at = at + 4 + offset_bytes();
    const std::size_t data = size <= offset_bytes() ? value_at : number(value_at, offset_bytes());
    if (size > bytes_.size() || data > bytes_.size() - size) return;
    std::string value(reinterpret_cast<const char*>(bytes_.data()) + data, size);
    if (tag == 0x8769) return descend(number(data, unit), "EXIF");
    if (tag == 0x8825) return descend(number(data, unit), "EXIF GPS");
    if (tag == 0xa005 && !main) return descend(number(data, unit), "EXIF interoperability");
    if (main && as_file) {
      if (tag == 0x00fe) derived_ = (number(data, unit) & (1 | 4)) != 0;
      if (tag == 0x00ff && number(data, unit) == 2) derived_ = true;
      if (tag == 0x02bc) take_xmp_inventory(value, items_);
      if (tag == 0x83bb) take_iptc_inventory(value, items_);
      if (tag == 0x8649) take_resource_inventory(value, items_);
      if (tag == 0x8773) items_["ICC profile"] = value;
      if (tag == 0x014a) items_["further pictures (SubIFD)"] = fmt::format("{}", count);
    }
    const bool follows_pixels = !main && (tag == 0xa002 || tag == 0xa003);
    if (follows_pixels || tag == 0xea1c) return;  // sizes; padding
    if (main && std::ranges::find(kStructural, tag) != kStructural.end()) return;
    const std::size_t step = type == 5 || type == 10 ? 4 : unit;
    if (big_endian_ && step > 1) {
      for (std::size_t i = 0; i < size; i += step) std::reverse(&value[i], &value[i] + step);
    }
    items_[group + " " + name_of(tag)] = value;
  }

  void descend(std::size_t at, const std::string& group) {
    const bool derived = derived_;
    folder(at, group, false, false);
    derived_ = derived;
  }

  static std::string name_of(std::size_t tag) {
    const auto known = std::ranges::find(kNames, tag, &TagName::tag);
    return known == kNames.end() ? fmt::format("tag {:#06x}", tag) : known->name;
  }

  std::span<const std::uint8_t> bytes_;
  Inventory& items_;
  bool big_endian_;
  bool big_tiff_;
  bool derived_ = false;
  std::set<std::size_t> seen_;
};

}  // namespace

void take_tiff_inventory(std::span<const std::uint8_t> tiff, bool as_file, Inventory& items,
                         int page) {
  const bool sound = tiff.size() >= 8 && tiff[0] == tiff[1] && (tiff[0] == 'I' || tiff[0] == 'M');
  if (!sound) return;
  Inventory of_others;
  Walk walk(tiff, items);
  Walk others(tiff, of_others);
  if (!walk.is_tiff()) return;
  std::size_t at = walk.first_folder();
  for (int i = 0; i < page && at != 0; ++i) at = others.folder(at, "", true, true);
  std::size_t next = walk.folder(at, "EXIF", true, as_file);
  // The next folder of an EXIF block is its thumbnail.
  if (!as_file || page > 0) return;
  int pages = 0;
  int derived = 0;
  (void)others.folder(at, "", true, true);
  while (next != 0 && others.leads_on(next) && pages + derived < 100'000) {
    next = others.folder(next, "", true, true);
    ++(others.derived() ? derived : pages);
  }
  if (pages > 0) items["further pictures (pages)"] = fmt::format("{}", pages);
  if (derived > 0)
    items["further pictures (reduced copies and masks)"] = fmt::format("{}", derived);
}

}  // namespace chiaro::image
