#include "chiaro/image/salvage.h"

#include <gtest/gtest.h>
#include <vips/vips.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/image/fidelity.h"
#include "tests/image/handmade_files.h"
#include "tests/support/expect_error.h"
#include "tests/support/log_capture.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::image::salvage_test {
namespace {

using Bytes = std::vector<std::byte>;

constexpr float kGrey = 128.0F / 255;

Image noisy(int channels, int height, int width, SampleType type = SampleType::U8) {
  Image picture = test::numbered(channels, height, width, type == SampleType::U8 ? 255 : 65535);
  picture.sample_type = type;
  return picture;
}

Bytes first_part(Bytes bytes, double share) {
  bytes.resize(static_cast<std::size_t>(share * static_cast<double>(bytes.size())));
  return bytes;
}

bool same_rows(const Image& a, const Image& b, int rows) {
  const auto count = static_cast<std::size_t>(rows) * static_cast<std::size_t>(a.width());
  for (int c = 0; c < a.channels(); ++c)
    if (!std::ranges::equal(a.plane(c).first(count), b.plane(c).first(count))) return false;
  return true;
}

bool is_grey_row(const Image& picture, int y) {
  for (int c = 0; c < picture.channels(); ++c)
    for (int x = 0; x < picture.width(); ++x)
      if (picture.at(c, y, x) != kGrey) return false;
  return true;
}

int whole_rows(const Salvaged& found) {
  const double missing = found.damage ? found.damage->missing.value_or(-1) : 0;
  return static_cast<int>(found.picture.height() * (1 - missing) + 0.5);
}

/// A JPEG whose scans go over the whole picture, one finer than the other.
Bytes progressive(const Image& picture) {
  std::vector<unsigned char> samples;
  for (int y = 0; y < picture.height(); ++y)
    for (int x = 0; x < picture.width(); ++x)
      for (int c = 0; c < 3; ++c)
        samples.push_back(static_cast<unsigned char>(picture.at(c, y, x) * 255 + 0.5F));
  VipsImage* image = vips_image_new_from_memory(samples.data(), samples.size(), picture.width(),
                                                picture.height(), 3, VIPS_FORMAT_UCHAR);
  void* coded = nullptr;
  std::size_t size = 0;
  EXPECT_EQ(vips_jpegsave_buffer(image, &coded, &size, "interlace", TRUE, nullptr), 0);
  g_object_unref(image);
  const auto* first = static_cast<const std::byte*>(coded);
  Bytes bytes(first, first + size);
  g_free(coded);
  return bytes;
}

TEST(Salvage, AWholeFileIsReadAsAlways) {
  const chiaro::test::TemporaryFolder folder;
  for (const std::string name : {"a.png", "a.jpg", "a.webp", "a.tif", "a.ppm", "a.exr"}) {
    write(folder / name, noisy(3, 70, 40));
    const auto bytes = read_file(folder / name);
    for (const Salvaged& found : {salvage(folder / name), salvage(bytes, name)}) {
      EXPECT_FALSE(found.damage) << name;
      EXPECT_TRUE(std::ranges::equal(found.picture.pixels(), read(folder / name).pixels())) << name;
      EXPECT_EQ(found.picture.metadata.source_format, read(folder / name).metadata.source_format);
    }
    EXPECT_TRUE(is_whole(folder / name)) << name;
  }
}

TEST(Salvage, ACutJpegKeepsTheRowsBeforeTheCut) {
  const Bytes bytes = encode(noisy(3, 160, 64), {.format = "jpeg"});
  const Image whole = decode(bytes, "whole.jpg");
  for (const double share : {0.4, 0.7, 0.9}) {
    const Bytes cut = first_part(bytes, share);
    const Salvaged found = salvage(cut, "cut.jpg");
    ASSERT_TRUE(found.damage);
    ASSERT_TRUE(found.damage->missing);
    EXPECT_NEAR(*found.damage->missing, 1 - share, 0.15);
    EXPECT_CHIARO_ERROR(decode(cut, "cut.jpg"), Input, found.damage->fault);
    const int rows = whole_rows(found);
    ASSERT_EQ(found.picture.height(), 160);
    EXPECT_TRUE(same_rows(found.picture, whole, rows));
    EXPECT_FALSE(is_grey_row(found.picture, rows - 1));
    EXPECT_TRUE(is_grey_row(found.picture, 159));
  }
}

TEST(Salvage, TurnedPicturesStayUpright) {
  const Bytes plain = encode(noisy(3, 160, 64), {.format = "jpeg"});
  for (char orientation = 1; orientation <= 8; ++orientation) {
    std::string exif(
        "\xff\xe1\0\x22"
        "Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0",
        36);
    exif[28] = orientation;
    Bytes bytes = plain;
    const auto view = std::as_bytes(std::span(exif));
    bytes.insert(bytes.begin() + 2, view.begin(), view.end());
    const Image whole = decode(bytes, "whole.jpg");
    ASSERT_EQ(whole.width(), orientation > 4 ? 160 : 64);
    const Salvaged found = salvage(first_part(bytes, 0.5), "turned.jpg");
    ASSERT_TRUE(found.damage);
    ASSERT_EQ(found.picture.width(), whole.width());
    EXPECT_LT(found.damage->height * found.damage->width, 160 * 64);
    const Image sound = sound_part(found.picture, *found.damage);
    EXPECT_TRUE(std::ranges::equal(sound.pixels(), sound_part(whole, *found.damage).pixels()))
        << int{orientation};
    EXPECT_GT(std::ranges::count(found.picture.pixels(), kGrey), 3 * 64 * 40);
  }
}

TEST(Salvage, TheRestIsPutAroundWhatWasMade) {
  Image picture = noisy(3, 6, 4);
  test::add_alpha(picture, 255);
  const Damage damage{.fault = "cut", .missing = 0.5, .y = 3, .x = 0, .height = 3, .width = 4};
  EXPECT_TRUE(std::ranges::equal(
      with_the_rest(picture, damage, sound_part(picture, damage)).pixels(), picture.pixels()));
  Image larger(3, 6, 8, 0.75F);
  larger.metadata.source_format = "jpeg";
  const Image whole = with_the_rest(picture, damage, larger);
  ASSERT_EQ(whole.height(), 12);
  ASSERT_EQ(whole.width(), 8);
  EXPECT_TRUE(whole.alpha.empty());
  EXPECT_EQ(whole.metadata.source_format, "jpeg");
  for (int y = 0; y < 12; ++y)
    for (int x = 0; x < 8; ++x)
      EXPECT_EQ(whole.at(2, y, x), y < 6 ? picture.at(2, y / 2, x / 2) : 0.75F) << y << " " << x;
  larger.alpha.assign(larger.plane_size(), 0.25F);
  const Image covered = with_the_rest(picture, damage, larger);
  EXPECT_EQ(covered.alpha.front(), picture.alpha.front());
  EXPECT_EQ(covered.alpha.back(), 0.25F);
  EXPECT_CHIARO_ERROR(with_the_rest(picture, damage, noisy(3, 6, 9)), Internal, "does not fit");
}

TEST(Salvage, ACutPngIsGreyAndOpaqueBehindTheCut) {
  for (const SampleType type : {SampleType::U8, SampleType::U16}) {
    Image picture = noisy(3, 160, 300, type);  // libpng gives up the last 8 KiB that are there
    test::add_alpha(picture, type == SampleType::U8 ? 255 : 65535);
    const Bytes cut = first_part(encode(picture, {.format = "png"}), 0.6);
    const chiaro::test::TemporaryFolder folder;
    write_file_atomically(folder / "cut.png", cut);
    EXPECT_CHIARO_ERROR(probe(folder / "cut.png"), Input, "claims");
    EXPECT_EQ(probe_damaged(folder / "cut.png").width, 300);
    EXPECT_EQ(probe_damaged(cut, "cut.png").height, 160);
    EXPECT_FALSE(is_whole(folder / "cut.png"));
    const Salvaged found = salvage(folder / "cut.png");
    ASSERT_TRUE(found.damage && found.damage->missing);
    EXPECT_NEAR(*found.damage->missing, 0.4, 0.15);
    EXPECT_NE(found.damage->fault.find("claims"), std::string::npos) << found.damage->fault;
    const int rows = whole_rows(found);
    EXPECT_TRUE(same_rows(found.picture, picture, rows));
    for (const int y : {rows, 159}) EXPECT_TRUE(is_grey_row(found.picture, y)) << y;
    EXPECT_EQ(found.picture.sample_type, type);
    EXPECT_EQ(found.picture.alpha.front(), picture.alpha.front());
    EXPECT_EQ(found.picture.alpha.back(), 1.0F);
    EXPECT_NO_THROW((void)compare_files(cut, encode(found.picture, {.format = "png"})));
  }
}

TEST(Salvage, ABrokenRowEndsWhatIsThere) {
  const Image picture = noisy(3, 160, 300);
  Bytes bytes = encode(picture, {.format = "png"});
  bytes[bytes.size() / 2] ^= std::byte{0x10};
  EXPECT_CHIARO_ERROR(decode(bytes, "broken.png"), Input, "broken.png");
  const Salvaged found = salvage(bytes, "broken.png");
  ASSERT_TRUE(found.damage && found.damage->missing);
  EXPECT_NEAR(*found.damage->missing, 0.5, 0.15);
  // Some rows may be wrong: that a part is broken shows at its end.
  EXPECT_TRUE(same_rows(found.picture, picture, 70));
  EXPECT_TRUE(is_grey_row(found.picture, 159));
}

TEST(Salvage, WhereOnlyTheEndOfThePngIsMissingNoRowIs) {
  const Image picture = noisy(3, 70, 40);
  Bytes bytes = encode(picture, {.format = "png"});
  bytes.resize(bytes.size() - 12);  // the last part
  const std::string_view text("\0\0\0\x09tEXtComment", 15);
  const auto view = std::as_bytes(std::span(text));
  bytes.insert(bytes.end(), view.begin(), view.end());
  EXPECT_CHIARO_ERROR(decode(bytes, "cut.png"), Input, "claims 9 bytes");
  const Salvaged found = salvage(bytes, "cut.png");
  ASSERT_TRUE(found.damage);
  EXPECT_EQ(found.damage->missing, 0.0);
  EXPECT_TRUE(std::ranges::equal(found.picture.pixels(), picture.pixels()));
}

TEST(Salvage, OfAProgressiveJpegDetailsAreMissing) {
  Image smooth(3, 96, 64);
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < 96; ++y)
      for (int x = 0; x < 64; ++x)
        smooth.at(c, y, x) = static_cast<float>((x * 3 + y * 2 + c * 9 + (x * y) % 11) % 200) / 255;
  const Bytes bytes = progressive(smooth);
  const Bytes cut = first_part(bytes, 0.6);
  EXPECT_CHIARO_ERROR(decode(cut, "cut.jpg"), Input, "truncated");
  const Salvaged found = salvage(cut, "cut.jpg");
  ASSERT_TRUE(found.damage);
  EXPECT_FALSE(found.damage->missing);
  const Image whole = decode(bytes, "whole.jpg");
  double off = 0;
  for (std::size_t i = 0; i < whole.pixels().size(); ++i)
    off += std::abs(whole.pixels()[i] - found.picture.pixels()[i]);
  EXPECT_LT(off / static_cast<double>(whole.pixels().size()), 0.1);
  EXPECT_FALSE(is_grey_row(found.picture, 95));
}

TEST(Salvage, OtherFormatsInRowsToo) {
  for (const char* format : {"hdr", "exr"}) {
    const Image picture = noisy(3, 160, 64);
    const Bytes bytes = encode(picture, {.format = format});
    const Salvaged found = salvage(first_part(bytes, 0.6), "cut");
    ASSERT_TRUE(found.damage && found.damage->missing) << format;
    EXPECT_GT(whole_rows(found), 60) << format;
    EXPECT_TRUE(same_rows(found.picture, decode(bytes, "whole"), whole_rows(found))) << format;
    EXPECT_TRUE(is_grey_row(found.picture, 159)) << format;
    EXPECT_NO_THROW((void)compare_files(first_part(bytes, 0.6), bytes)) << format;
  }
}

TEST(Salvage, ATiffUpToTheStripThatIsBroken) {
  const Image picture = noisy(3, 600, 64);
  Bytes bytes = encode(picture, {.format = "tiff"});
  const auto at = static_cast<std::ptrdiff_t>(bytes.size() / 2);
  std::fill_n(bytes.begin() + at, 3000, std::byte{0xff});  // no LZW
  EXPECT_CHIARO_ERROR(decode(bytes, "broken.tif"), Input, "broken.tif");
  const Salvaged found = salvage(bytes, "broken.tif");
  ASSERT_TRUE(found.damage && found.damage->missing);
  EXPECT_GT(whole_rows(found), 150);
  EXPECT_TRUE(same_rows(found.picture, picture, whole_rows(found)));
  EXPECT_TRUE(is_grey_row(found.picture, 599));
}

TEST(Salvage, WhereNothingIsLeftItIsRefused) {
  const chiaro::test::LogCapture quiet;
  const Image picture = noisy(3, 160, 64);
  for (const char* format : {"png", "jpeg", "webp", "tiff", "ppm"}) {
    const Bytes bytes = encode(picture, {.format = format});
    for (const double share : {0.005, 0.01})
      EXPECT_CHIARO_ERROR(salvage(first_part(bytes, share), "cut.file"), Input, "cut.file");
  }
  // A JPEG of headers alone.
  const Bytes jpeg = encode(picture, {.format = "jpeg"});
  const auto scan = std::ranges::search(jpeg, std::vector{std::byte{0xff}, std::byte{0xda}});
  ASSERT_FALSE(scan.empty());
  const Bytes headers(jpeg.begin(), scan.begin() + 14);
  EXPECT_CHIARO_ERROR(salvage(headers, "headers.jpg"), Input, "headers.jpg");
  EXPECT_CHIARO_ERROR(salvage({}, "nothing"), Input, "is empty");
  EXPECT_CHIARO_ERROR(salvage("/nowhere/a.png"), Input, "No such file");
  const Bytes cut = first_part(jpeg, 0.5);
  EXPECT_CHIARO_ERROR(salvage(cut, "large.jpg", {.max_pixels = 100}), Input, "too large");
  EXPECT_CHIARO_ERROR(salvage(cut, "slow.jpg", {.go_on = [] { return false; }}), Interrupted,
                      "stopped");
}

}  // namespace
}  // namespace chiaro::image::salvage_test
