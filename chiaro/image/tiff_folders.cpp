#include "chiaro/image/tiff_folders.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <limits>
#include <set>
#include <utility>

#include "chiaro/base/error.h"

namespace chiaro::image {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr std::uint32_t kPhotoFolder = 0x8769;
constexpr std::uint32_t kGpsFolder = 0x8825;
constexpr std::uint32_t kInteropFolder = 0xa005;
constexpr std::uint32_t kIptc = 0x83bb;
constexpr std::uint32_t kResources = 0x8649;  // of Photoshop
constexpr std::uint32_t kNewSubfileType = 0x00fe;
constexpr std::uint32_t kSubfileType = 0x00ff;
constexpr std::uint32_t kCompression = 0x0103;
constexpr std::uint32_t kStripOffsets = 0x0111;
constexpr std::uint32_t kStripByteCounts = 0x0117;
constexpr std::uint32_t kPageNumber = 0x0129;
constexpr std::uint32_t kTileLength = 0x0143;
constexpr std::uint32_t kTileOffsets = 0x0144;
constexpr std::uint32_t kTileByteCounts = 0x0145;
constexpr std::uint32_t kByte = 1;
constexpr std::uint32_t kShortType = 3;
constexpr std::uint32_t kLongType = 4;
constexpr std::uint32_t kUndefined = 7;
constexpr std::uint32_t kLong8Type = 16;
constexpr std::size_t kPlainLimit = std::numeric_limits<std::uint32_t>::max();

/// Tags of the main folder that describe the photograph; all others describe how the file stores
/// it.
constexpr std::array<std::uint32_t, 22> kDescriptive{
    0x010d,  // DocumentName
    0x010e,  // ImageDescription
    0x010f,  // Make
    0x0110,  // Model
    0x011d,  // PageName
    0x011e,  // XPosition
    0x011f,  // YPosition
    0x0131,  // Software
    0x0132,  // DateTime
    0x013b,  // Artist
    0x013c,  // HostComputer
    0x013e,  // WhitePoint: as the primaries, how the samples are meant, which stay
    0x013f,  // PrimaryChromaticities
    0x4746,  // Rating
    0x4749,  // RatingPercent
    0x8298,  // Copyright
    0x9213,  // ImageHistory
    0x9c9b,  // XPTitle
    0x9c9c,  // XPComment
    0x9c9d,  // XPAuthor
    0x9c9e,  // XPKeywords
    0x9c9f   // XPSubject
};

/// The size of one value of a TIFF type; 0: unknown. From 16 on, of BigTIFF alone.
std::size_t size_of_type(std::uint32_t type) {
  constexpr std::array<std::size_t, 19> kSizes{0, 1, 1, 2, 4, 8, 1, 1, 2, 4,
                                               8, 4, 8, 4, 0, 0, 8, 8, 8};
  return type < kSizes.size() ? kSizes[type] : 0;
}
constexpr std::uint32_t kFirstBigType = 16;

/// How wide the numbers of a folder are. Plain: TIFF 6.0, section 2; big: the BigTIFF design of
/// libtiff.
struct Widths {
  std::size_t count;      // of the entries of a folder
  std::size_t entry;      // a whole entry
  std::size_t offset;     // within the file; also how much data an entry holds itself
  std::size_t start;      // where the offset of the first folder stands
  std::uint32_t pointer;  // the type of an entry that leads to another folder
};
constexpr Widths kPlain{2, 12, 4, 4, 4};
constexpr Widths kBig{8, 20, 8, 8, 18};

struct Entry {
  std::uint32_t tag;
  std::uint32_t type;
  std::uint64_t count;
  Octets data;             // little-endian
  std::uint64_t home = 0;  // where the data stands already in the file that is written; 0: nowhere
};

struct Folder {
  std::vector<Entry> entries;
};

std::uint64_t little_number(const Octets& data, std::size_t at, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = count; i-- > 0;) value = value << 8 | data[at + i];
  return value;
}

/// Reads folders of either byte order; what leads out of the file is left out.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes)
      : bytes_(bytes),
        big_endian_(!bytes.empty() && bytes[0] == 'M'),
        widths_(number(2, 2) == 43 ? kBig : kPlain) {}

  bool is_tiff() const {
    if (bytes_.size() < 8 || bytes_[0] != bytes_[1] || (bytes_[0] != 'I' && bytes_[0] != 'M'))
      return false;
    return number(2, 2) == 42 || (number(2, 2) == 43 && number(4, 2) == 8 && bytes_.size() >= 16);
  }
  bool is_big() const { return widths_.offset == kBig.offset; }
  const Widths& widths() const { return widths_; }

  std::uint64_t number(std::size_t at, std::size_t count) const {
    if (at > bytes_.size() || bytes_.size() - at < count) return 0;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i)
      value = value << 8 | bytes_[at + (big_endian_ ? i : count - 1 - i)];
    return value;
  }

  /// With a choice of tags, only those.
  Folder folder(std::size_t at, bool (*wanted)(std::uint32_t tag) = nullptr) const {
    Folder result;
    const std::uint64_t count = entries_at(at);
    if (count == 0) return result;
    std::size_t held = 0;  // entries of a sound file do not share their data
    for (std::size_t i = 0; i < count; ++i) {
      const Located found = locate(at, i);
      if (found.size == 0 || found.size > bytes_.size() - held) continue;
      if (wanted != nullptr && !wanted(found.tag)) continue;
      held += found.size;
      Entry read{found.tag, found.type, found.count, {}};
      read.data.assign(bytes_.begin() + static_cast<std::ptrdiff_t>(found.data),
                       bytes_.begin() + static_cast<std::ptrdiff_t>(found.data + found.size));
      if (big_endian_) reverse_units(read);
      if (found.size > widths_.offset) read.home = found.data;
      result.entries.push_back(std::move(read));
    }
    return result;
  }

  /// The data of an entry as it stands in the file; nothing of one that is no metadata by its size.
  Octets bytes_of(std::size_t at, std::uint32_t tag) const {
    for (std::size_t i = 0; i < entries_at(at); ++i) {
      const Located found = locate(at, i);
      const auto data = bytes_.subspan(found.size == 0 ? 0 : found.data, found.size);
      if (found.tag == tag && data.size() <= kMostOfBlock) return {data.begin(), data.end()};
    }
    return {};
  }

  std::size_t table_bytes(std::size_t at) const { return widths_.entry * entries_at(at); }

  /// Where the folder behind the one at `at` is; 0: none.
  std::size_t next_of(std::size_t at) const {
    const std::size_t link = link_of(at);
    return link == 0 ? 0 : number(link, widths_.offset);
  }
  /// Where the folder at `at` says that; 0: nowhere.
  std::size_t link_of(std::size_t at) const {
    if (at == 0 || at >= bytes_.size()) return 0;
    const std::uint64_t count = number(at, widths_.count);
    if (count > (bytes_.size() - at) / widths_.entry) return 0;
    return at + widths_.count + widths_.entry * count;
  }
  /// Puts another offset there, in the file's byte order.
  TiffPatch led_to(std::size_t link, std::size_t offset) const {
    TiffPatch patch{link, {}};
    for (std::size_t i = 0; i < widths_.offset; ++i) {
      const std::size_t place = big_endian_ ? widths_.offset - 1 - i : i;
      patch.bytes.push_back(static_cast<std::byte>(offset >> (8 * place)));
    }
    return patch;
  }

  enum class Kind { Nothing, Whole, Aside };
  /// What the folder at `at` says of itself, without a look at its data.
  Kind kind_of(std::size_t at) const {
    constexpr std::uint64_t kReducedOrMask = 1 | 4;
    constexpr std::uint64_t kReduced = 2;  // the older tag numbers its kinds
    bool empty = true;
    bool aside = false;
    const std::uint64_t count = entries_at(at);
    for (std::size_t i = 0; i < count; ++i) {
      const Located found = locate(at, i);
      if (found.size == 0) continue;
      empty = false;
      if (found.tag != kNewSubfileType && found.tag != kSubfileType) continue;
      const std::uint64_t value = number(found.data, size_of_type(found.type));
      aside |= found.tag == kSubfileType ? value == kReduced : (value & kReducedOrMask) != 0;
    }
    return empty ? Kind::Nothing : aside ? Kind::Aside : Kind::Whole;
  }

  /// See parts_of_tiff. Where sizes are not stated of what is packed: that of the file.
  TiffParts parts_of(std::size_t at) const {
    constexpr std::uint64_t kNotPacked = 1;
    TiffParts parts;
    std::uint64_t packing = kNotPacked;
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < entries_at(at); ++i) {
      const Located found = locate(at, i);
      const bool whole =
          found.type == kShortType || found.type == kLongType || found.type == kLong8Type;
      if (found.size == 0 || !whole) continue;
      const std::size_t unit = size_of_type(found.type);
      const std::uint64_t first = number(found.data, unit);
      if (found.tag == kCompression) packing = first;
      if (found.tag == kTileLength)
        parts.tile_height = static_cast<std::uint32_t>(std::min<std::uint64_t>(first, kMostRows));
      if (found.tag != kStripByteCounts && found.tag != kTileByteCounts) continue;
      count = found.count;
      for (std::size_t offset = 0; offset < found.size; offset += unit)
        parts.largest_bytes = std::max(parts.largest_bytes, number(found.data + offset, unit));
    }
    if (packing == kNotPacked && count <= 1 && parts.tile_height == 0) return {};
    const bool stated = parts.largest_bytes > 0 && parts.largest_bytes <= bytes_.size();
    if (!stated && entries_at(at) > 0) parts.largest_bytes = bytes_.size();
    return parts;
  }

  std::size_t main_folder() const { return number(widths_.start, widths_.offset); }

  /// Of the page with this number; 0 where there is no such.
  std::size_t folder_of_page(int page) const {
    std::size_t at = main_folder();
    for (int i = 0; i < page && at != 0; ++i) at = next_of(at);
    return at;
  }

 private:
  static constexpr std::uint64_t kMostRows = 1 << 24;
  static constexpr std::size_t kMostOfBlock = std::size_t{3} << 20;

  struct Located {
    std::uint32_t tag;
    std::uint32_t type;
    std::uint64_t count;
    std::size_t data = 0;  // where it is
    std::size_t size = 0;  // of the data; 0: of no known type, or not within the file
  };

  /// Entry `index` of the folder at `at`, which has as many.
  Located locate(std::size_t at, std::size_t index) const {
    const std::size_t entry = at + widths_.count + widths_.entry * index;
    Located found{static_cast<std::uint32_t>(number(entry, 2)),
                  static_cast<std::uint32_t>(number(entry + 2, 2)),
                  number(entry + 4, widths_.offset)};
    if (found.count > bytes_.size()) return found;
    const std::size_t size = size_of_type(found.type) * found.count;
    const std::size_t value_at = entry + 4 + widths_.offset;
    found.data = size <= widths_.offset ? value_at : number(value_at, widths_.offset);
    if (size <= bytes_.size() && found.data <= bytes_.size() - size) found.size = size;
    return found;
  }

  /// How many entries the folder at `at` has; 0 as well where they are not within the file.
  std::uint64_t entries_at(std::size_t at) const {
    if (at == 0 || at >= bytes_.size()) return 0;
    const std::uint64_t count = number(at, widths_.count);
    return count > (bytes_.size() - at) / widths_.entry ? 0 : count;
  }

  static void reverse_units(Entry& entry) {
    const bool rational = entry.type == 5 || entry.type == 10;  // two numbers of four bytes
    const std::size_t unit = rational ? 4 : size_of_type(entry.type);
    for (auto at = entry.data.begin(); at != entry.data.end();
         at += static_cast<std::ptrdiff_t>(unit)) {
      std::reverse(at, at + static_cast<std::ptrdiff_t>(unit));
    }
  }

  std::span<const std::uint8_t> bytes_;
  bool big_endian_;
  Widths widths_;
};

void append_little(Octets& out, std::uint64_t value, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

TiffPatch patch_of(std::size_t at, std::uint64_t value, std::size_t count) {
  Octets octets;
  append_little(octets, value, count);
  const auto bytes = std::as_bytes(std::span(octets));
  return {at, {bytes.begin(), bytes.end()}};
}

/// Octets that will stand at `base` of a file.
struct Output {
  std::size_t base;
  Widths widths;
  Octets bytes = {};

  std::size_t end() const { return base + bytes.size(); }
  void make_even() {
    if (end() % 2 != 0) bytes.push_back(0);
  }
};

Entry pointer_to(std::uint32_t tag, std::size_t offset, const Widths& widths) {
  Entry entry{tag, widths.pointer, 1, {}};
  append_little(entry.data, offset, widths.offset);
  return entry;
}

/// A folder that was appended, and where the offset of the next one belongs.
struct Place {
  std::size_t at;
  std::size_t next_at;
};

/// Appends the folder, little-endian, with no further folder behind it, and before it the data that
/// has no home yet.
Place append_folder(Output& out, Folder folder) {
  const Widths& widths = out.widths;
  std::ranges::stable_sort(folder.entries, {}, &Entry::tag);
  Octets table;
  append_little(table, folder.entries.size(), widths.count);
  for (const Entry& entry : folder.entries) {
    append_little(table, entry.tag, 2);
    append_little(table, entry.type, 2);
    append_little(table, entry.count, widths.offset);
    if (entry.data.size() > widths.offset && entry.home != 0) {
      append_little(table, entry.home, widths.offset);
    } else if (entry.data.size() > widths.offset) {
      out.make_even();
      append_little(table, out.end(), widths.offset);
      out.bytes.insert(out.bytes.end(), entry.data.begin(), entry.data.end());
    } else {
      table.insert(table.end(), entry.data.begin(), entry.data.end());
      table.insert(table.end(), widths.offset - entry.data.size(), 0);
    }
  }
  append_little(table, 0, widths.offset);
  out.make_even();
  const std::size_t at = out.end();
  out.bytes.insert(out.bytes.end(), table.begin(), table.end());
  return {at, out.end() - widths.offset};
}

std::size_t pointed_at(const Folder& folder, std::uint32_t tag) {
  const auto found = std::ranges::find(folder.entries, tag, &Entry::tag);
  if (found == folder.entries.end() || found->count != 1 || found->data.size() < 4) return 0;
  return little_number(found->data, 0, found->data.size());
}

void remove(Folder& folder, std::uint32_t tag) {
  std::erase_if(folder.entries, [&](const Entry& entry) { return entry.tag == tag; });
}

/// Whether what a reader reads will be part of the file that is written, so that its data need not
/// be copied, and where it begins there.
struct Origin {
  bool within;
  std::size_t base = 0;
};
constexpr Origin kElsewhere{false};

/// The folder at `at` with its data's homes in the file that is written.
Folder settled(const Reader& reader, std::size_t at, const Origin& origin,
               bool (*wanted)(std::uint32_t tag) = nullptr) {
  Folder folder = reader.folder(at, wanted);
  for (Entry& entry : folder.entries) {
    if (entry.home != 0) entry.home = origin.within ? entry.home + origin.base : 0;
  }
  return folder;
}

/// A plain TIFF knows no numbers of eight bytes.
Folder fitted(Folder folder, const Widths& widths) {
  if (widths.offset == kPlain.offset)
    std::erase_if(folder.entries, [](const Entry& entry) { return entry.type >= kFirstBigType; });
  return folder;
}

/// Appends the folders that `main` leads to, but for pixels; gives the entries that lead there.
std::vector<Entry> append_subfolders(Output& out, const Reader& reader, const Folder& main,
                                     const Origin& origin) {
  const auto folder_at = [&](const Folder& from, std::uint32_t tag) {
    return fitted(settled(reader, pointed_at(from, tag), origin), out.widths);
  };
  std::vector<Entry> result;
  Folder photo = folder_at(main, kPhotoFolder);
  const Folder interop = folder_at(photo, kInteropFolder);
  remove(photo, kInteropFolder);
  if (!interop.entries.empty())
    photo.entries.push_back(pointer_to(kInteropFolder, append_folder(out, interop).at, out.widths));
  if (!photo.entries.empty())
    result.push_back(pointer_to(kPhotoFolder, append_folder(out, photo).at, out.widths));
  const Folder gps = folder_at(main, kGpsFolder);
  if (!gps.entries.empty())
    result.push_back(pointer_to(kGpsFolder, append_folder(out, gps).at, out.widths));
  return result;
}

bool describes(std::uint32_t tag) {
  return tag == kPhotoFolder || tag == kGpsFolder ||
         std::ranges::find(kDescriptive, tag) != kDescriptive.end();
}

/// What the folder at `at` describes, of a file that is elsewhere: as append_subfolders, and the
/// descriptive tags of the folder itself.
std::vector<Entry> append_description(Output& out, const Reader& reader, std::size_t at) {
  const Folder main = settled(reader, at, kElsewhere, describes);  // not what may be large
  std::vector<Entry> result;
  for (const Entry& entry : fitted(main, out.widths).entries) {
    if (std::ranges::find(kDescriptive, entry.tag) != kDescriptive.end()) result.push_back(entry);
  }
  for (Entry& entry : append_subfolders(out, reader, main, kElsewhere))
    result.push_back(std::move(entry));
  return result;
}

/// Places of pixels that have moved by `base`, in numbers as wide as the file has.
void move_offsets(Entry& entry, std::size_t base, const Widths& widths) {
  const std::size_t unit = size_of_type(entry.type);
  Octets moved;
  for (std::size_t at = 0; at < entry.data.size(); at += unit)
    append_little(moved, little_number(entry.data, at, unit) + base, widths.offset);
  entry.data = std::move(moved);
  entry.home = 0;
  entry.type = widths.offset == kPlain.offset ? kLongType : kLong8Type;
}

Entry short_entry(std::uint32_t tag, std::initializer_list<int> values) {
  Entry entry{tag, kShortType, values.size(), {}};
  for (const int value : values) append_little(entry.data, static_cast<std::uint64_t>(value), 2);
  return entry;
}

std::span<const std::uint8_t> octets_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

}  // namespace

std::vector<std::uint8_t> exif_of_tiff(std::span<const std::uint8_t> file, int page) {
  const Reader reader(file);
  if (!reader.is_tiff()) return {};
  Output out{0, kPlain, {'I', 'I', 42, 0, 0, 0, 0, 0}};
  Folder main{append_description(out, reader, reader.folder_of_page(page))};
  if (main.entries.empty()) return {};
  const std::size_t at = append_folder(out, std::move(main)).at;
  for (std::size_t i = 0; i < 4; ++i) out.bytes[4 + i] = static_cast<std::uint8_t>(at >> (8 * i));
  return out.bytes;
}

TiffBlocks blocks_of_tiff(std::span<const std::uint8_t> file, int page) {
  const Reader reader(file);
  if (!reader.is_tiff()) return {};
  const std::size_t at = reader.folder_of_page(page);
  return {reader.bytes_of(at, kIptc), reader.bytes_of(at, kResources)};
}

TiffAddition addition_to_tiff(std::span<const std::byte> file, std::span<const std::uint8_t> exif,
                              const TiffBlocks& blocks) {
  const Reader target(octets_of(file));
  if (!target.is_tiff() || std::to_integer<char>(file[0]) != 'I') return {};
  Output out{file.size(), target.widths()};
  Folder main = settled(target, target.main_folder(), {.within = true});
  std::vector<Entry> added;
  const Reader source(exif);
  if (source.is_tiff()) added = append_description(out, source, source.main_folder());
  const auto add = [&](std::uint32_t tag, std::uint32_t type, const Octets& block) {
    if (!block.empty()) added.push_back({tag, type, block.size(), block});
  };
  add(kIptc, kUndefined, blocks.iptc);
  add(kResources, kByte, blocks.resources);
  for (Entry& entry : added) {
    remove(main, entry.tag);
    main.entries.push_back(std::move(entry));
  }
  const std::size_t at = append_folder(out, std::move(main)).at;
  if (!target.is_big() && out.end() > kPlainLimit) return {};
  return {std::move(out.bytes), patch_of(out.widths.start, at, out.widths.offset)};
}

TiffPages pages_of_tiff(std::span<const std::uint8_t> file) {
  constexpr int kMost = 100'000;
  const Reader reader(file);
  TiffPages result{.whole = {0}};
  if (!reader.is_tiff()) return result;
  std::set<std::size_t> seen;
  std::size_t walked = 0;  // folders of a sound file do not overlap
  std::size_t at = reader.main_folder();
  for (int number = 0; at != 0 && number < kMost && seen.insert(at).second; ++number) {
    walked += reader.table_bytes(at);
    const Reader::Kind kind = reader.kind_of(at);
    result.cut_off = number > 0 && (walked > file.size() || kind == Reader::Kind::Nothing);
    if (walked > file.size() || kind == Reader::Kind::Nothing) break;  // leads nowhere
    if (number > 0 && kind == Reader::Kind::Aside) ++result.aside;
    if (number > 0 && kind == Reader::Kind::Whole) result.whole.push_back(number);
    at = reader.next_of(at);
  }
  return result;
}

std::vector<TiffPatch> patches_for_lone_page(std::span<const std::uint8_t> file, int page) {
  const Reader reader(file);
  if (!reader.is_tiff()) return {};
  const std::size_t at = reader.folder_of_page(page);
  const std::size_t link = reader.link_of(at);
  if (link == 0) return {};
  return {reader.led_to(reader.widths().start, at), reader.led_to(link, 0)};
}

TiffParts parts_of_tiff(std::span<const std::uint8_t> file, int page) {
  const Reader reader(file);
  return reader.is_tiff() ? reader.parts_of(reader.folder_of_page(page)) : TiffParts{};
}

std::vector<std::byte> TiffJoiner::header() {
  Octets octets{'I', 'I', static_cast<std::uint8_t>(large_ ? 43 : 42), 0};
  if (large_) append_little(octets, 8, 4);  // width of offsets; two bytes of zero
  link_at_ = octets.size();
  append_little(octets, 0, large_ ? 8 : 4);
  end_ = octets.size();
  const auto bytes = std::as_bytes(std::span(octets));
  return {bytes.begin(), bytes.end()};
}

TiffJoiner::Joined TiffJoiner::add(std::span<const std::byte> page) {
  const Widths& widths = large_ ? kBig : kPlain;
  const Reader reader(octets_of(page));
  CHIARO_CHECK(reader.is_tiff() && std::to_integer<char>(page[0]) == 'I' && page_ < pages_,
               Internal, "[image.join_tiff] got no TIFF of this machine's byte order");
  Joined joined;
  joined.before.resize(end_ % 2);
  const std::size_t base = end_ + joined.before.size();
  const Origin origin{.within = true, .base = base};
  Folder main = settled(reader, reader.main_folder(), origin);
  Output out{base + page.size(), widths};
  std::vector<Entry> subfolders = append_subfolders(out, reader, main, origin);
  for (const std::uint32_t tag :
       {kPhotoFolder, kGpsFolder, kNewSubfileType, kSubfileType, kPageNumber})
    remove(main, tag);
  for (Entry& entry : main.entries) {
    if (entry.tag == kStripOffsets || entry.tag == kTileOffsets) move_offsets(entry, base, widths);
  }
  main = fitted(std::move(main), widths);
  for (Entry& entry : subfolders) main.entries.push_back(std::move(entry));
  Entry kind{kNewSubfileType, kLongType, 1, {2, 0, 0, 0}};  // one page of several
  main.entries.push_back(std::move(kind));
  main.entries.push_back(short_entry(kPageNumber, {page_, pages_}));
  const Place place = append_folder(out, std::move(main));
  CHIARO_CHECK(large_ || out.end() <= kPlainLimit, Internal,
               "[image.join_tiff] the pages are larger than was foreseen");
  joined.link = patch_of(link_at_, place.at, widths.offset);
  link_at_ = place.next_at;
  end_ = out.end();
  const auto bytes = std::as_bytes(std::span(out.bytes));
  joined.after.assign(bytes.begin(), bytes.end());
  ++page_;
  return joined;
}

}  // namespace chiaro::image
