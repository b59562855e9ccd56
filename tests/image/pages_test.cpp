#include "chiaro/image/pages.h"

#include <gtest/gtest.h>
#include <vips/vips.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <map>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/image/encoding.h"
#include "chiaro/image/fidelity.h"
#include "chiaro/image/inventory.h"
#include "chiaro/image/metadata_read.h"
#include "chiaro/image/tiff_folders.h"
#include "chiaro/image/vips_decode.h"
#include "tests/image/exiftool.h"
#include "tests/image/handmade_files.h"
#include "tests/support/expect_error.h"
#include "tests/support/imagemagick.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::image::pages_test {
namespace {

namespace fs = std::filesystem;
using test::Bytes;

struct GreyPage {
  std::uint32_t width;
  std::uint32_t height;
  std::uint8_t first;          ///< the pixels count on from here
  std::string artist;          ///< with its closing zero longer than four bytes
  std::uint32_t kind = 0;      ///< NewSubfileType: 1 a reduced copy, 4 a mask
  std::uint32_t old_kind = 0;  ///< SubfileType: 2 a reduced copy, 3 one page of several; 0: unsaid
};

/// Grey pages of 8 bits, each its pixels, its text and its folder, one behind the other.
Bytes make_pages(const std::vector<GreyPage>& pages) {
  Bytes out;
  test::put(out, std::string_view("II*\0\0\0\0\0", 8));
  std::size_t link = 4;
  for (const GreyPage& page : pages) {
    const auto pixels_at = static_cast<std::uint32_t>(out.size());
    const std::uint32_t count = page.width * page.height;
    for (std::uint32_t i = 0; i < count; ++i)
      out.push_back(static_cast<std::uint8_t>(page.first + i));
    const auto text_at = static_cast<std::uint32_t>(out.size());
    test::put(out, page.artist);
    out.push_back(0);
    if (out.size() % 2 != 0) out.push_back(0);
    for (std::size_t i = 0; i < 4; ++i)
      out[link + i] = static_cast<std::uint8_t>(out.size() >> 8 * i);
    std::vector<std::array<std::uint32_t, 4>> tags{
        {254, 4, 1, page.kind},
        {256, 4, 1, page.width},
        {257, 4, 1, page.height},
        {258, 3, 1, 8},
        {259, 3, 1, 1},
        {262, 3, 1, 1},
        {273, 4, 1, pixels_at},
        {277, 3, 1, 1},
        {278, 4, 1, page.height},
        {279, 4, 1, count},
        {315, 2, static_cast<std::uint32_t>(page.artist.size() + 1), text_at}};
    if (page.old_kind > 0) tags.insert(tags.begin() + 1, {255, 3, 1, page.old_kind});
    test::put_little(out, static_cast<std::uint32_t>(tags.size()), 2);
    for (const auto& [tag, type, values, value] : tags) {
      test::put_little(out, tag, 2);
      test::put_little(out, type, 2);
      test::put_little(out, values, 4);
      test::put_little(out, value, 4);
    }
    link = out.size();
    test::put_little(out, 0, 4);
  }
  return out;
}

const std::vector<GreyPage> kThree{{4, 3, 10, "Anna Anders"},
                                   {2, 1, 90, "a reduced copy", 1},
                                   {5, 2, 50, "Bert Berg"},
                                   {2, 6, 70, "Carla Cole"}};

Image noisy_page(int channels, int height, int width, SampleType type, bool alpha) {
  const int levels = type == SampleType::U8 ? 255 : type == SampleType::U16 ? 65535 : 0;
  Image picture = test::numbered(channels, height, width, levels);
  picture.sample_type = type;
  if (alpha) test::add_alpha(picture, levels);
  return picture;
}

/// One page as libtiff sees it, through libvips alone.
Image page_by_vips(const fs::path& file, int page) {
  VipsImage* loaded = nullptr;
  if (vips_tiffload(file.c_str(), &loaded, "page", page, nullptr) != 0) {
    ADD_FAILURE() << vips_error_buffer();
    return {};
  }
  const double full = loaded->BandFmt == VIPS_FORMAT_UCHAR    ? 255
                      : loaded->BandFmt == VIPS_FORMAT_USHORT ? 65535
                                                              : 1;
  Image picture(loaded->Bands >= 3 ? 3 : 1, loaded->Ysize, loaded->Xsize);
  VipsImage* cast = nullptr;
  vips_cast_double(loaded, &cast, nullptr);
  std::size_t bytes = 0;
  auto* values = static_cast<double*>(vips_image_write_to_memory(cast, &bytes));
  const double* next = values;
  for (int y = 0; y < picture.height(); ++y) {
    for (int x = 0; x < picture.width(); ++x, next += loaded->Bands) {
      for (int c = 0; c < picture.channels(); ++c)
        picture.at(c, y, x) = static_cast<float>(next[c] / full);
    }
  }
  g_free(values);
  g_object_unref(cast);
  g_object_unref(loaded);
  return picture;
}

std::map<std::string, Fate> fates_of(std::span<const std::byte> before,
                                     std::span<const std::byte> after) {
  std::map<std::string, Fate> result;
  for (const Trait& trait : compare_files(before, after))
    result["page " + std::to_string(trait.page) + " " + trait.name] = trait.fate;
  return result;
}

void write_pages(const fs::path& file, const std::vector<Image>& pages,
                 std::int64_t foreseen_height = 0) {
  std::vector<Frame> frames;
  for (const Image& page : pages) frames.push_back(frame_of(page));
  if (foreseen_height > 0) frames[0].height = static_cast<int>(foreseen_height);
  PageWriter writer(file, frames, {});
  for (const Image& page : pages) writer.add(page);
  writer.commit();
}

TEST(Pages, AreReadEachWithItsOwnSizeAndMetadata) {
  const chiaro::test::TemporaryFolder folder;
  const Bytes bytes = make_pages(kThree);
  test::save(folder / "three.tif", bytes);
  for (const PageReader& reader :
       {PageReader(folder / "three.tif"), PageReader(std::as_bytes(std::span(bytes)), "three")}) {
    ASSERT_EQ(reader.count(), 3);
    EXPECT_EQ(reader.left_aside(), 1);
    const std::vector<GreyPage> whole{kThree[0], kThree[2], kThree[3]};
    for (int page = 0; page < 3; ++page) {
      const GreyPage& expected = whole[static_cast<std::size_t>(page)];
      const Image picture = reader.read(page);
      EXPECT_EQ(reader.frame(page).width, static_cast<int>(expected.width));
      ASSERT_EQ(picture.width(), static_cast<int>(expected.width));
      ASSERT_EQ(picture.height(), static_cast<int>(expected.height));
      for (std::size_t i = 0; i < picture.pixels().size(); ++i)
        EXPECT_EQ(picture.pixels()[i] * 255.0F,
                  static_cast<float>(expected.first) + static_cast<float>(i));
      const auto& exif = picture.metadata.exif;
      EXPECT_NE(std::ranges::search(exif, expected.artist).begin(), exif.end()) << page;
    }
  }
}

// TIFF 6.0, section 8: the older tag numbers its kinds, the newer one has a bit for each.
TEST(Pages, TheOlderTagForReducedCopiesIsANumber) {
  const Bytes bytes = make_pages({{4, 3, 10, "Anna Anders", 0, 3},
                                  {2, 1, 90, "a reduced copy", 0, 2},
                                  {5, 2, 50, "Bert Berg", 0, 3},
                                  {3, 2, 60, "Dora Dahl", 2, 1}});
  const PageReader reader(std::as_bytes(std::span(bytes)), "numbered");
  ASSERT_EQ(reader.count(), 3);
  EXPECT_EQ(reader.left_aside(), 1);
  EXPECT_EQ(reader.read(1).width(), 5);
  EXPECT_EQ(reader.read(2).width(), 3);
  const Inventory items = take_inventory(bytes);
  EXPECT_EQ(items.at("further pictures (pages)"), "2");
  EXPECT_EQ(items.at("further pictures (reduced copies and masks)"), "1");
}

/// Folders behind one another, each with these entries, behind a first page that is sound.
void put_folders(Bytes& file, int count, const std::vector<std::array<std::uint32_t, 4>>& entries) {
  std::size_t link = file.size() - 4;
  for (int i = 0; i < count; ++i) {
    for (std::size_t byte = 0; byte < 4; ++byte)
      file[link + byte] = static_cast<std::uint8_t>(file.size() >> 8 * byte);
    test::put_little(file, static_cast<std::uint32_t>(entries.size()), 2);
    for (const auto& [tag, type, values, value] : entries) {
      test::put_little(file, tag, 2);
      test::put_little(file, type, 2);
      test::put_little(file, values, 4);
      test::put_little(file, value, 4);
    }
    link = file.size();
    test::put_little(file, 0, 4);
  }
}

// Every description is nearly the whole file: copying them all would be 12 GB.
TEST(Pages, AreCountedWithoutTheirData) {
  Bytes bytes = make_pages({kThree[0]});
  put_folders(bytes, 20'000, {{254, 4, 1, 0}, {270, 2, 600'000, 8}});
  const std::clock_t before = std::clock();
  const PageReader reader(std::as_bytes(std::span(bytes)), "many");
  const Inventory items = take_inventory(bytes);
  (void)take_inventory(bytes, 20'000);
  (void)exif_of_tiff(bytes, 20'000);
  EXPECT_LT(std::clock() - before, 2 * CLOCKS_PER_SEC);
  EXPECT_EQ(reader.count(), 20'001);
  EXPECT_EQ(items.at("further pictures (pages)"), "20000");
}

// Each folder claims the entries of the one before but the first.
TEST(Pages, OverlappingFoldersAreNotWalkedAgainAndAgain) {
  Bytes bytes = make_pages({kThree[0]});
  const std::size_t first = bytes.size();
  for (std::size_t byte = 0; byte < 4; ++byte)
    bytes[first - 4 + byte] = static_cast<std::uint8_t>(first >> 8 * byte);
  // Each claims 20,000 entries; where the next one is stands behind them.
  constexpr std::size_t kCount = 20'000;
  bytes.resize(first + 3 * 12 * kCount);
  for (std::size_t at = first; at + 2 + 12 * kCount + 4 <= bytes.size(); at += 12) {
    bytes[at] = kCount & 0xff;
    bytes[at + 1] = kCount >> 8;
    // Of its first entry the count and, where no link stands, the type.
    bytes[at + 6] = 1;
    if (at < first + 12 * kCount) bytes[at + 4] = 1;
    const std::size_t link = at + 2 + 12 * kCount;
    for (std::size_t byte = 0; byte < 4; ++byte)
      bytes[link + byte] = static_cast<std::uint8_t>((at + 12) >> 8 * byte);
  }
  const std::clock_t before = std::clock();
  const PageReader reader(std::as_bytes(std::span(bytes)), "overlapping");
  (void)take_inventory(bytes);
  EXPECT_LT(std::clock() - before, 2 * CLOCKS_PER_SEC);
  EXPECT_LE(reader.count(), 5);
}

// One chain of EXIF folders, each in the one before: followed by calls, it would be a stack's end.
TEST(Pages, FoldersWithinFoldersAreNotFollowed) {
  for (const std::uint32_t pointer : {0x8769U, 0x8825U, 0xa005U}) {
    Bytes bytes = make_pages({kThree[0]});
    const auto chain = static_cast<std::uint32_t>(bytes.size());
    for (std::uint32_t i = 0; i < 60'000; ++i) {
      test::put_little(bytes, 2, 2);
      for (const auto& [tag, type, values, value] :
           {std::array<std::uint32_t, 4>{0x829a, 3, 1, i % 1000},
            {pointer, 4, 1, chain + (i + 1) * 30}}) {
        test::put_little(bytes, tag, 2);
        test::put_little(bytes, type, 2);
        test::put_little(bytes, values, 4);
        test::put_little(bytes, value, 4);
      }
      test::put_little(bytes, 0, 4);
    }
    // The first page's last tag, its artist, leads there instead.
    const std::size_t last = chain - 16;
    const std::uint32_t from = pointer == 0x8825U ? pointer : 0x8769U;
    Bytes entry;
    test::put_little(entry, from, 2);
    test::put_little(entry, 4, 2);
    test::put_little(entry, 1, 4);
    test::put_little(entry, chain, 4);
    std::ranges::copy(entry, bytes.begin() + static_cast<std::ptrdiff_t>(last));
    const Inventory items = take_inventory(bytes);
    const char* name = pointer == 0x8825U ? "EXIF GPS tag 0x829a" : "EXIF ExposureTime";
    EXPECT_EQ(items.at(name), "0") << pointer;
    EXPECT_EQ(items.contains("EXIF interoperability tag 0x829a"), pointer == 0xa005U);
    const auto file = std::as_bytes(std::span(bytes));
    for (const auto& [trait, fate] : fates_of(file, file)) EXPECT_EQ(fate, Fate::Kept) << trait;
  }
}

TEST(Pages, ThatAreCutOffAreKnown) {
  const Bytes whole = make_pages(kThree);
  const auto first = [&](std::size_t bytes) {
    return PageReader(std::as_bytes(std::span(whole)).first(bytes), "cut");
  };
  EXPECT_FALSE(first(whole.size()).cut_off());
  EXPECT_EQ(first(whole.size()).count(), 3);
  EXPECT_TRUE(first(whole.size() - 8).cut_off());  // within the last folder
  EXPECT_EQ(first(whole.size() - 8).count(), 2);
  const std::size_t one = make_pages({kThree[0]}).size();
  EXPECT_TRUE(first(one).cut_off());
  EXPECT_EQ(first(one).count(), 1);
  const Bytes alone = make_pages({kThree[0]});
  EXPECT_FALSE(PageReader(std::as_bytes(std::span(alone)), "one").cut_off());
}

TEST(Pages, OtherFilesHaveOne) {
  const chiaro::test::TemporaryFolder folder;
  write(folder / "one.png", Image(1, 2, 2));
  write(folder / "one.tif", Image(1, 2, 2));
  test::save(folder / "text.tif", {'I', 'I', '*', 0, 1});
  for (const std::string name : {"one.png", "one.tif", "text.tif", "missing.tif", "."}) {
    EXPECT_EQ(PageReader(folder / name).count(), 1) << name;
    EXPECT_EQ(PageReader(folder / name).left_aside(), 0) << name;
  }
  EXPECT_CHIARO_ERROR(PageReader(folder / "missing.tif").read(0), Input, "cannot read");
}

TEST(Pages, AreWrittenAsLibtiffReadsThem) {
  const chiaro::test::TemporaryFolder folder;
  const std::vector<Image> pages{noisy_page(3, 40, 30, SampleType::U8, false),
                                 noisy_page(1, 21, 500, SampleType::U16, false),
                                 noisy_page(3, 300, 17, SampleType::F32, true)};
  for (const bool large : {false, true}) {
    const fs::path file = folder / (large ? "large.tif" : "plain.tif");
    write_pages(file, pages, large ? 100'000'000 : 0);
    EXPECT_EQ(read_file(file)[2], std::byte(large ? 43 : 42));
    const PageReader reader(file);
    ASSERT_EQ(reader.count(), 3);
    for (int i = 0; i < 3; ++i) {
      const Image& expected = pages[static_cast<std::size_t>(i)];
      const Image seen = page_by_vips(file, i);
      ASSERT_EQ(seen.width(), expected.width());
      EXPECT_TRUE(std::ranges::equal(seen.pixels(), expected.pixels())) << i;
      const Image read = reader.read(i);
      EXPECT_TRUE(std::ranges::equal(read.pixels(), expected.pixels())) << i;
      EXPECT_EQ(read.alpha, expected.alpha);
      EXPECT_EQ(read.sample_type, expected.sample_type);
    }
  }
}

// libvips counts the pages of what it opens by reading all their folders: of a file of n pages, n².
TEST(Pages, AreOpenedAsIfThereWereNoOthers) {
  const chiaro::test::TemporaryFolder folder;
  std::vector<Image> pages;
  for (const int width : {30, 50, 17})
    pages.push_back(noisy_page(3, 20, width, SampleType::U16, false));
  write_pages(folder / "plain.tif", pages);
  write_pages(folder / "large.tif", pages, 100'000'000);
  std::vector<std::string> files{folder / "plain.tif", folder / "large.tif"};
  if (chiaro::test::has_imagemagick()) {
    const std::string turned = folder / "turned.tif";
    const std::string command = "convert " + files[0] + " -define tiff:endian=msb " + turned;
    ASSERT_EQ(std::system(command.c_str()), 0);
    files.push_back(turned);
    ASSERT_EQ(read_file(files.back())[0], std::byte('M'));
  }
  for (const std::string& file : files) {
    const auto bytes = read_file(file);
    for (int i = 0; i < 3; ++i) {
      const Image& expected = pages[static_cast<std::size_t>(i)];
      for (const OpenedPicture& opened : {open_picture(file, i), open_picture(bytes, file, i)}) {
        EXPECT_EQ(pictures_in(opened), 1);
        const Image read = decode_picture(opened, {});
        EXPECT_TRUE(std::ranges::equal(read.pixels(), expected.pixels())) << file << i;
      }
    }
    EXPECT_EQ(pictures_in(open_picture(file)), 3);
    EXPECT_CHIARO_ERROR(open_picture(file, 3), Input, "damaged");
  }
}

TEST(Pages, KeepTheirMetadata) {
  if (!test::has_exiftool()) GTEST_SKIP() << "needs exiftool";
  const chiaro::test::TemporaryFolder folder;
  std::vector<Image> pages;
  std::vector<Image> sources;
  for (const std::string name : {"Anna", "Bert"}) {
    const std::string file = folder / (name + ".jpg");
    write(file, noisy_page(3, 20, name == "Anna" ? 30 : 25, SampleType::U8, false));
    test::exiftool("-q -overwrite_original -Artist=" + name +
                   " -ExposureTime=1/250 -GPSLatitude=45.5 -GPSLatitudeRef=N -XMP:Title=T" + name +
                   " -IPTC:Headline=H" + name + " " + file);
    sources.push_back(read(file));
  }
  for (const bool large : {false, true}) {
    const fs::path file = folder / (large ? "large.tif" : "plain.tif");
    write_pages(file, sources, large ? 100'000'000 : 0);
    // What is judged from outside: of page 2, every group in its own folder.
    const std::string said = test::exiftool(
        "-a -G1 -s -IFD1:Artist -IFD1:PageNumber -IFD0:Artist -ExposureTime " + file.string());
    for (const std::string line : {"[IFD0]          Artist                          : Anna",
                                   "[IFD1]          Artist                          : Bert",
                                   "[IFD1]          PageNumber                      : 1 2"})
      EXPECT_NE(said.find(line), std::string::npos) << line << " in " << said;
    EXPECT_NE(said.find("ExposureTime                    : 1/250"), std::string::npos) << said;
    const PageReader reader(file);
    for (int i = 0; i < 2; ++i) {
      const Metadata& before = sources[static_cast<std::size_t>(i)].metadata;
      const Metadata after = reader.read(i).metadata;
      EXPECT_EQ(after.xmp, before.xmp);
      EXPECT_EQ(unwrap_iptc(after.iptc), unwrap_iptc(before.iptc));
      EXPECT_NE(std::ranges::search(after.exif, std::string(i == 0 ? "Anna" : "Bert")).begin(),
                after.exif.end());
    }
  }
  // The audit's own walk agrees, page by page, and sees what another page lacks.
  const auto plain = read_file(folder / "plain.tif");
  const auto kept = fates_of(plain, read_file(folder / "large.tif"));
  EXPECT_EQ(kept.at("page 1 further pictures (pages)"), Fate::Kept);
  for (const char* name : {"page 1 EXIF Artist", "page 2 EXIF Artist", "page 2 IPTC Headline",
                           "page 2 EXIF GPSLatitude", "page 2 XMP"})
    ASSERT_TRUE(kept.contains(name)) << name;
  for (const auto& [name, fate] : kept) EXPECT_EQ(fate, Fate::Kept) << name;
  std::vector<Image> bare = sources;
  bare[1].metadata = {};
  write_pages(folder / "bare.tif", bare);
  const auto lost = fates_of(plain, read_file(folder / "bare.tif"));
  EXPECT_EQ(lost.at("page 1 EXIF Artist"), Fate::Kept);
  EXPECT_EQ(lost.at("page 2 EXIF Artist"), Fate::Lost);
  write(folder / "one.tif", sources[0]);
  EXPECT_EQ(fates_of(plain, read_file(folder / "one.tif")).at("page 1 further pictures (pages)"),
            Fate::Lost);
}

TEST(Pages, InMemoryAreTheFile) {
  const chiaro::test::TemporaryFolder folder;
  const std::vector<Image> pages{noisy_page(3, 9, 7, SampleType::U8, false),
                                 noisy_page(1, 5, 5, SampleType::U8, false)};
  write_pages(folder / "pages.tif", pages);
  std::vector<Frame> frames{frame_of(pages[0]), frame_of(pages[1])};
  PageWriter memory("", frames, {});
  for (const Image& page : pages) memory.add(page);
  memory.with_bytes([&](std::span<const std::byte> bytes) {
    EXPECT_TRUE(std::ranges::equal(bytes, read_file(folder / "pages.tif")));
  });
  EXPECT_CHIARO_ERROR(memory.commit(), Usage, "in memory");
  // Without commit nothing is left.
  { PageWriter dropped(folder / "dropped.tif", frames, {}); }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(Pages, InStripsAreTheSame) {
  const chiaro::test::TemporaryFolder folder;
  const std::vector<Image> pages{noisy_page(3, 90, 70, SampleType::U8, false),
                                 noisy_page(1, 50, 33, SampleType::U16, false)};
  write_pages(folder / "whole.tif", pages);
  const PageReader reader(folder / "whole.tif");
  const std::vector<Frame> frames{frame_of(pages[0]), frame_of(pages[1])};
  PageWriter writer(folder / "strips.tif", frames, {});
  for (int page = 0; page < 2; ++page) {
    StripReader strips = reader.strips(page);
    EXPECT_EQ(strips.obstacle(), "");
    writer.add_strips(strips.frame(), [&] { return strips.next(16); });
  }
  writer.commit();
  EXPECT_EQ(read_file(folder / "strips.tif"), read_file(folder / "whole.tif"));
  PageWriter memory("", frames, {});
  EXPECT_CHIARO_ERROR(memory.add_strips(frames[0], [] { return Image(); }), Usage, "need a file");
}

TEST(Pages, DamagedFilesAreSurvived) {
  const Bytes sound = make_pages(kThree);
  std::uint32_t state = 1;
  for (int round = 0; round < 3000; ++round) {
    Bytes bytes = sound;
    for (int i = 0; i < 3; ++i) {
      state = state * 1664525U + 1013904223U;
      bytes[(state >> 8) % bytes.size()] = static_cast<std::uint8_t>(state >> 24);
    }
    if (round % 3 == 0) bytes.erase(bytes.end() - state % 200, bytes.end());
    const PageReader reader(std::as_bytes(std::span(bytes)), "damaged");
    EXPECT_GE(reader.count(), 1);
    EXPECT_LE(reader.count(), 4);
  }
}

TEST(BigTiff, CarriesWhatAPlainOneDoes) {
  if (!test::has_exiftool()) GTEST_SKIP() << "needs exiftool";
  const chiaro::test::TemporaryFolder folder;
  write(folder / "in.jpg", noisy_page(3, 20, 30, SampleType::U8, false));
  test::exiftool(
      "-q -overwrite_original -Artist=Anna -FNumber=4 -GPSLatitude=45.5 "
      "-GPSLatitudeRef=N -IPTC:Headline=head " +
      (folder / "in.jpg").string());
  const Image picture = read(folder / "in.jpg");
  VipsImage* black = nullptr;
  ASSERT_EQ(vips_black(&black, 30, 20, nullptr), 0);
  const std::string file = folder / "big.tif";
  ASSERT_EQ(vips_tiffsave(black, file.c_str(), "bigtiff", TRUE, nullptr), 0);
  g_object_unref(black);
  auto bytes = read_file(file);
  ASSERT_EQ(bytes[2], std::byte(43));
  const auto bare = bytes;
  const TiffAddition more =
      addition_to_tiff(bytes, picture.metadata.exif, tiff_blocks(picture.metadata.iptc));
  const auto tail = std::as_bytes(std::span(more.tail));
  bytes.insert(bytes.end(), tail.begin(), tail.end());
  std::ranges::copy(more.start.bytes, bytes.begin() + static_cast<std::ptrdiff_t>(more.start.at));
  write_file_atomically(file, bytes);
  // ExifTool 12 does not know the tags of a BigTIFF's GPS folder; the inventory below does.
  EXPECT_EQ(test::exiftool("-s3 -n -Artist -FNumber -IPTC:Headline " + file), "Anna\n4\nhead\n");
  EXPECT_EQ(test::exiftool("-q -warning -error " + file), "");
  const Image again = read(file);
  EXPECT_FALSE(again.metadata.exif.empty());
  EXPECT_EQ(unwrap_iptc(again.metadata.iptc), unwrap_iptc(picture.metadata.iptc));
  const auto source = read_file(folder / "in.jpg");
  const auto kept = fates_of(source, bytes);
  const auto lost = fates_of(source, bare);
  for (const char* name : {"page 1 EXIF Artist", "page 1 EXIF FNumber", "page 1 EXIF GPSLatitude",
                           "page 1 IPTC Headline"}) {
    EXPECT_EQ(kept.at(name), Fate::Kept) << name;
    EXPECT_EQ(lost.at(name), Fate::Lost) << name;
  }
}

TEST(BigTiff, IsChosenBeforeNoiseBurstsAPlainOne) {
  for (const SampleType type : {SampleType::U8, SampleType::U16, SampleType::F32}) {
    const Image noise = noisy_page(3, 300, 200, type, false);
    const std::size_t bytes = type == SampleType::U8 ? 1 : type == SampleType::U16 ? 2 : 4;
    const std::size_t raw = noise.pixels().size() * bytes;
    const auto coded = encode(noise, {.format = "tiff"});
    if (type == SampleType::U8) {
      EXPECT_GT(coded.size(), raw + raw / 4);
    }
    const std::int64_t most = tiff_bytes_at_most(frame_of(noise), {.format = "tiff"});
    EXPECT_LE(static_cast<std::int64_t>(coded.size()), most);
    EXPECT_LT(most, static_cast<std::int64_t>(raw) * 2);
  }
  // 3.1 GB of noise come to more than 4 GiB, though they are less.
  const Frame frame{3, 34000, 30000, false, SampleType::U8, {}};
  EXPECT_GT(tiff_bytes_at_most(frame, {}), kPlainTiffBytes);
  const Frame usual{3, 20000, 20000, false, SampleType::U8, {}};
  EXPECT_LT(tiff_bytes_at_most(usual, {}), kPlainTiffBytes);
}

TEST(BigTiff, IsChosenBeforeMetadataBurstsAPlainOne) {
  Image picture = noisy_page(1, 32, 32, SampleType::U8, false);
  picture.metadata.xmp.assign(1'000'000, ' ');
  picture.metadata.iptc.assign(100'000, 'i');
  picture.metadata.exif = exif_of_tiff(make_pages({kThree[0]}));
  ASSERT_FALSE(picture.metadata.exif.empty());
  const std::int64_t most = tiff_bytes_at_most(frame_of(picture), {.format = "tiff"});
  const auto coded = encode(picture, {.format = "tiff"});
  EXPECT_LE(static_cast<std::int64_t>(coded.size()), most);
  const std::vector<Frame> frames{frame_of(picture), frame_of(picture)};
  PageWriter memory("", frames, {});
  for (int page = 0; page < 2; ++page) memory.add(picture);
  memory.with_bytes([&](std::span<const std::byte> bytes) {
    EXPECT_LE(static_cast<std::int64_t>(bytes.size()), 2 * most);
    const PageReader reader(bytes, "two");
    ASSERT_EQ(reader.count(), 2);
    for (int page = 0; page < 2; ++page) {
      const Image again = reader.read(page);
      EXPECT_EQ(again.metadata.xmp, picture.metadata.xmp);
      EXPECT_EQ(again.metadata.exif, picture.metadata.exif);
      EXPECT_TRUE(std::ranges::equal(again.pixels(), picture.pixels()));
    }
  });
}

TEST(HighRange, IsKnownToTheAudit) {
  Image picture(3, 4, 5, 0.5F);
  picture.sample_type = SampleType::F32;
  picture.at(1, 2, 3) = 7.25F;
  picture.at(0, 0, 0) = -0.5F;
  const auto before = encode(picture, {.format = "tiff"});
  EXPECT_EQ(fates_of(before, before).at("page 1 values outside 0 to 1"), Fate::Kept);
  for (float& value : picture.pixels()) value = std::clamp(value, 0.0F, 1.0F);
  const auto cut = encode(picture, {.format = "tiff"});
  for (const Trait& trait : compare_files(before, cut)) {
    if (trait.name != "values outside 0 to 1") continue;
    EXPECT_EQ(trait.fate, Fate::Lost);
    EXPECT_EQ(trait.before, "2 values, from -0.5 to 7.25");
  }
  EXPECT_FALSE(fates_of(cut, cut).contains("page 1 values outside 0 to 1"));
}

}  // namespace
}  // namespace chiaro::image::pages_test
