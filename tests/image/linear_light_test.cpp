// OpenEXR and Radiance pictures: read as tools/make_range_pictures.py made them, and written so
// that libvips, whose reader is not ours, reads the same. Nothing of their range, alpha or header
// is lost.
#include <gtest/gtest.h>
#include <vips/vips.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/fidelity.h"
#include "chiaro/image/light.h"
#include "chiaro/image/pages.h"
#include "chiaro/image/strips.h"
#include "tests/support/expect_error.h"
#include "tests/support/log_capture.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::image::linear_light_test {
namespace {

namespace fs = std::filesystem;
using chiaro::test::LogCapture;
using chiaro::test::TemporaryFolder;
using Bytes = std::vector<std::byte>;

constexpr int kHeight = 10;
constexpr int kWidth = 24;

fs::path stored(const std::string& name) {
  return std::string(CHIARO_SOURCE_DIR) + "/tests/image/data/" + name;
}

/// Linear light, as the script has it.
float made(int channel, int y, int x) {
  const float size = std::ldexp(1.0F + static_cast<float>(y) / 8, x - 12 + channel);
  return x == 0 ? -size : size;
}

float made_alpha(int y) {
  return static_cast<float>(y % 5) / 4;
}

/// IEC 61966-2-1, and straight on above 1: what an Image holds of linear light.
double coded(double light) {
  if (light < 0) return -coded(-light);
  if (light <= 0.0031308) return 12.92 * light;
  if (light <= 1) return 1.055 * std::pow(light, 1 / 2.4) - 0.055;
  return 1 + (light - 1) * 1.055 / 2.4;
}

void expect_near(double got, double expected, double relative) {
  EXPECT_LE(std::abs(got - expected), relative * std::abs(expected)) << got << " for " << expected;
}

void expect_made(const Image& picture, double relative = 2e-5) {
  ASSERT_EQ(picture.height(), kHeight);
  ASSERT_EQ(picture.width(), kWidth);
  EXPECT_EQ(picture.sample_type, SampleType::F32);
  for (int c = 0; c < picture.channels(); ++c) {
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x)
        expect_near(picture.at(c, y, x), coded(made(c, y, x)), relative);
    }
  }
}

/// Samples of a file as libvips's own loaders give them, interleaved.
struct Foreign {
  int bands = 0;
  std::vector<float> samples;
  float at(int c, int y, int x) const {
    return samples[static_cast<std::size_t>((y * kWidth + x) * bands + c)];
  }
};

Foreign read_by_vips(const fs::path& path) {
  start_codecs();
  VipsImage* image = vips_image_new_from_file(path.c_str(), nullptr);
  if (image == nullptr) {
    ADD_FAILURE() << vips_error_buffer();
    return {};
  }
  if (image->Coding == VIPS_CODING_RAD) {
    VipsImage* floats = nullptr;
    vips_rad2float(image, &floats, nullptr);
    g_object_unref(image);
    image = floats;
  }
  Foreign result{image->Bands, {}};
  std::size_t size = 0;
  void* memory = vips_image_write_to_memory(image, &size);
  result.samples.resize(size / sizeof(float));
  std::memcpy(result.samples.data(), memory, size);
  g_free(memory);
  g_object_unref(image);
  return result;
}

Fate fate_of(const std::vector<Trait>& traits, const std::string& name) {
  const auto found = std::ranges::find(traits, name, &Trait::name);
  if (found != traits.end()) return found->fate;
  ADD_FAILURE() << "no trait " << name;
  return Fate::Lost;
}

TEST(OpenExr, IsReadWithItsRange) {
  for (const char* name : {"float_piz.exr", "tiled.exr", "parts.exr"}) {
    SCOPED_TRACE(name);
    const LogCapture log;
    const Image picture = read(stored(name));
    expect_made(picture);
    EXPECT_TRUE(picture.metadata.linear_light);
    EXPECT_TRUE(picture.alpha.empty());
  }
  const Image grey = read(stored("grey.exr"));
  EXPECT_EQ(grey.channels(), 1);
  expect_made(grey);
  const Probe probe = image::probe(stored("grey.exr"));
  EXPECT_EQ(probe.width, kWidth);
  EXPECT_EQ(probe.height, kHeight);
  EXPECT_EQ(probe.format, "exr");
  // Through memory as through a file.
  const Bytes file = read_file(stored("tiled.exr"));
  EXPECT_TRUE(is_readable_type(file));
  expect_made(decode(file, "tiled"));
}

TEST(OpenExr, AlphaStaysMultipliedAndTheHeaderIsCarried) {
  const Image picture = read(stored("half_rgba.exr"));
  expect_made(picture);
  EXPECT_TRUE(picture.metadata.half_floats);
  ASSERT_FALSE(picture.alpha.empty());
  EXPECT_NEAR(picture.metadata.x_pixels_per_mm * 25.4, 300, 1e-3);
  const TemporaryFolder folder;
  write(folder / "out.exr", picture);
  const Bytes before = read_file(stored("half_rgba.exr"));
  const Bytes after = read_file(folder / "out.exr");
  for (const Trait& trait : compare_files(before, after))
    EXPECT_EQ(trait.fate, Fate::Kept) << trait.name << ": " << trait.before << ", " << trait.after;
  for (const char* name : {"OpenEXR owner", "OpenEXR comments", "OpenEXR isoSpeed"})
    EXPECT_EQ(fate_of(compare_files(before, after), name), Fate::Kept);
  // Bit by bit, by another reader: colours as they were, where nothing covers them too.
  const Foreign first = read_by_vips(stored("half_rgba.exr"));
  const Foreign second = read_by_vips(folder / "out.exr");
  ASSERT_EQ(first.samples.size(), static_cast<std::size_t>(kHeight * kWidth * 4));
  EXPECT_EQ(first.samples, second.samples);
  EXPECT_EQ(first.at(2, 3, 7), made(2, 3, 7));
  EXPECT_EQ(first.at(3, 3, 7), 255 * made_alpha(3));  // as libvips scales it
}

TEST(OpenExr, FloatsGoThereAndBackWithinRounding) {
  const TemporaryFolder folder;
  const Image picture = read(stored("float_piz.exr"));
  for (const std::string name : {"out.exr", "out.tif", "out.pfm"}) {
    SCOPED_TRACE(name);
    write(folder / name, picture);
    const Image again = read(folder / name);
    expect_made(again);
    EXPECT_EQ(again.sample_type, SampleType::F32);
    EXPECT_EQ(again.metadata.linear_light, name != "out.pfm");
  }
  // Linear in the file, with a profile that says so.
  for (const std::string name : {"out.exr", "out.tif"}) {
    const Foreign file = read_by_vips(folder / name);
    for (int x = 0; x < kWidth; ++x) expect_near(file.at(1, 4, x), made(1, 4, x), 2e-6);
  }
  EXPECT_NEAR(read_by_vips(folder / "out.pfm").at(1, kHeight - 1 - 4, 12), coded(made(1, 4, 12)),
              1e-4);
}

TEST(OpenExr, OtherPrimariesAreConvertedAndKept) {
  const Image picture = read(stored("p3.exr"));
  // Red in Display P3 is beyond sRGB: below 0 in green and blue (matrix of SMPTE EG 432-1 to sRGB).
  const auto light = [&](int c, int y, int x) {
    return double{light_of_srgb(picture.at(c, y, x))};
  };
  const double r = made(0, 2, 9);
  const double g = made(1, 2, 9);
  const double b = made(2, 2, 9);
  expect_near(light(0, 2, 9), 1.2249401 * r - 0.2249404 * g, 1e-3);
  expect_near(light(1, 2, 9), -0.0420569 * r + 1.0420571 * g, 1e-3);
  expect_near(light(2, 2, 9), -0.0196376 * r - 0.0786361 * g + 1.0982735 * b, 1e-3);
  const TemporaryFolder folder;
  write(folder / "out.exr", picture);
  const Foreign again = read_by_vips(folder / "out.exr");
  for (int x = 1; x < kWidth; ++x) expect_near(again.at(0, 2, x), made(0, 2, x), 1e-4);
  const Image twice = read(folder / "out.exr");
  for (std::size_t i = 0; i < twice.pixels().size(); ++i)
    EXPECT_NEAR(twice.pixels()[i], picture.pixels()[i], 1e-4 * (1 + std::abs(picture.pixels()[i])));
}

TEST(OpenExr, WhatStaysBehindIsSaid) {
  {
    const LogCapture log;
    expect_made(read(stored("depth.exr")));
    EXPECT_NE(log.text().find("left out: Z"), std::string::npos) << log.text();
  }
  {
    const LogCapture log;
    (void)read(stored("parts.exr"));
    EXPECT_NE(log.text().find("holds 2 pictures"), std::string::npos) << log.text();
  }
  const Bytes deep = read_file(stored("depth.exr"));
  const LogCapture log;
  const auto traits = compare_files(deep, encode(decode(deep, "depth"), {.format = "exr"}));
  EXPECT_EQ(fate_of(traits, "further channels"), Fate::Lost);
  EXPECT_CHIARO_ERROR(read(stored("chroma.exr")), Input,
                      "without the usual channels; got BY, RY, Y");
}

TEST(OpenExr, OtherPicturesBecomeOne) {
  Image picture(3, 3, 256);
  picture.alpha.assign(picture.plane_size(), 1.0F);
  for (int x = 0; x < 256; ++x) {
    for (int c = 0; c < 3; ++c) picture.at(c, 0, x) = static_cast<float>(x) / 255;
    picture.at(0, 1, x) = 0.5F;
    picture.alpha[256 + static_cast<std::size_t>(x)] = static_cast<float>(x) / 255;
    picture.alpha[512 + static_cast<std::size_t>(x)] = 0.0F;
    picture.at(1, 2, x) = 1.0F;  // hidden: black where it is multiplied
  }
  const Bytes eight = encode(picture, {.format = "exr"});
  const Image again = decode(eight, "again");
  EXPECT_TRUE(again.metadata.half_floats);  // steps of 8 bits are kept apart by 16-bit floats
  for (int x = 0; x < 256; ++x) {
    EXPECT_EQ(std::lround(again.at(1, 0, x) * 255), x);
    EXPECT_NEAR(light_of_srgb(again.at(0, 1, x)), light_of_srgb(0.5F) * static_cast<float>(x) / 255,
                2e-4);
    EXPECT_EQ(again.at(1, 2, x), 0.0F);
  }
  // And back: the alpha is taken out of the colours for formats that keep them apart.
  const Image png = decode(encode(again, {.format = "png", .depth = Depth::U16}), "png");
  for (int x = 16; x < 256; ++x) EXPECT_NEAR(png.at(0, 1, x), 0.5F, 2e-3);
  EXPECT_FALSE(
      decode(encode(picture, {.format = "exr", .depth = Depth::F32}), "f").metadata.half_floats);
}

TEST(OpenExr, BadFilesGiveOneSentence) {
  Bytes file = read_file(stored("float_piz.exr"));
  const auto refused = [](const Bytes& bytes, const char* part) {
    EXPECT_CHIARO_ERROR((void)decode(bytes, "bad.exr"), Input, part);
    try {
      (void)decode(bytes, "bad.exr");
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    }
  };
  for (const std::size_t size : {5, 60, 200, 400, 1500, 3000}) {
    SCOPED_TRACE(size);
    refused(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)),
            "damaged or truncated");
  }
  // The data window, whose last corner says the size.
  const std::string_view name("dataWindow\0box2i\0\x10\0\0\0", 21);
  const auto text = std::string_view(reinterpret_cast<const char*>(file.data()), file.size());
  const std::size_t corner = text.find(name) + name.size() + 8;
  ASSERT_LT(corner, file.size());
  const auto claim = [&](std::int32_t right, std::int32_t bottom) {
    Bytes changed = file;
    std::memcpy(changed.data() + corner, &right, 4);
    std::memcpy(changed.data() + corner + 4, &bottom, 4);
    return changed;
  };
  refused(claim(59999, 59999), "bad.exr");
  refused(claim(44000, 44000), "bad.exr");  // within what is allowed, were it there
  refused(claim(2147483647, 2147483647), "bad.exr");
  refused(claim(-5, 20), "bad.exr");
  Bytes other = file;
  other[1] = std::byte{0x30};
  refused(other, "is not a picture");
  other = file;
  other[4] = std::byte{9};  // a version that is not known
  refused(other, "damaged or truncated");
}

/// What libvips's loader makes of the four bytes: the middle of what they stand for.
float made_rgbe(int c, int y, int x) {
  const int mantissas[] = {128 + 12 * y, 100 + y, y};
  return std::ldexp(static_cast<float>(mantissas[c]) + 0.5F, x - 8 - 8);
}

TEST(Radiance, IsReadAndWrittenBitByBit) {
  const TemporaryFolder folder;
  const Image picture = read(stored("plain.hdr"));
  ASSERT_EQ(picture.width(), kWidth);
  EXPECT_TRUE(picture.metadata.linear_light);
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x)
        expect_near(picture.at(c, y, x), coded(made_rgbe(c, y, x)), 2e-5);
    }
  }
  write(folder / "out.hdr", picture);
  EXPECT_EQ(read_by_vips(folder / "out.hdr").samples, read_by_vips(stored("plain.hdr")).samples);
  const Bytes before = read_file(stored("plain.hdr"));
  const Bytes after = read_file(folder / "out.hdr");
  for (const Trait& trait : compare_files(before, after))
    EXPECT_EQ(trait.fate, Fate::Kept) << trait.name;
  const std::string_view head(reinterpret_cast<const char*>(after.data()), 120);
  EXPECT_TRUE(
      head.starts_with("#?RADIANCE\n# made by hand\nEXPOSURE=0.5\nVIEW= -vtv -vp 1 2 3\nFORMAT="))
      << head;
}

TEST(Radiance, IsTurnedAsItsHeaderSays) {
  // Rows run to the right and columns upwards: the picture stands on its side.
  const Image plain = read(stored("plain.hdr"));
  const Image turned = read(stored("turned.hdr"));
  ASSERT_EQ(turned.width(), kHeight);
  ASSERT_EQ(turned.height(), kWidth);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x)
      EXPECT_EQ(turned.at(0, kWidth - 1 - x, y), plain.at(0, y, x)) << y << " " << x;
  }
}

TEST(Radiance, WhatItCannotHoldIsSaid) {
  const Image picture = read(stored("half_rgba.exr"));
  const LogCapture log;
  const Bytes coded_picture = encode(picture, {.format = "hdr"});
  EXPECT_NE(log.text().find("laid on black"), std::string::npos) << log.text();
  EXPECT_NE(log.text().find("values below 0"), std::string::npos) << log.text();
  const Image again = decode(coded_picture, "again.hdr");
  for (int x = 12; x < kWidth; ++x) {  // to one of 256 steps of the brightest channel
    const double step = std::ldexp(1.0, std::ilogb(made(2, 5, x)) - 7);
    for (int c = 0; c < 3; ++c) EXPECT_NEAR(light_of_srgb(again.at(c, 5, x)), made(c, 5, x), step);
  }
  const auto traits = compare_files(read_file(stored("half_rgba.exr")), coded_picture);
  EXPECT_EQ(fate_of(traits, "bits per sample"), Fate::Lost);
  EXPECT_EQ(fate_of(traits, "transparency"), Fate::Lost);
  EXPECT_EQ(fate_of(traits, "OpenEXR owner"), Fate::Lost);
  EXPECT_EQ(fate_of(traits, "values outside 0 to 1"), Fate::Kept);
  const Image grey = read(stored("grey.exr"));
  const Image from_grey = decode(encode(grey, {.format = "hdr"}), "grey.hdr");
  EXPECT_NEAR(light_of_srgb(from_grey.at(1, 5, 20)), made(0, 5, 20), made(0, 5, 20) / 128);
}

TEST(Radiance, BadFilesGiveOneSentence) {
  const Bytes file = read_file(stored("plain.hdr"));
  std::string text(reinterpret_cast<const char*>(file.data()), file.size());
  const auto refused = [](const std::string& changed, const char* part) {
    EXPECT_CHIARO_ERROR((void)decode(std::as_bytes(std::span(changed)), "bad.hdr"), Input, part);
  };
  refused(text.substr(0, 40), "header is damaged or truncated");
  refused(text.substr(0, 300), "damaged or truncated");
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    return changed.replace(changed.find(from), from.size(), to);
  };
  refused(replaced("-Y 10 +X 24", "-Y 60000 +X 60000"), "bad.hdr");
  refused(replaced("-Y 10 +X 24", "-Y 40000 +X 40000"), "bad.hdr");
  refused(replaced("-Y 10 +X 24", "ten by ten"), "header is damaged");
  refused(replaced("rgbe", "xyze"), "got the format '32-bit_rle_xyze'");
  refused(replaced("#?RADIANCE\n", "#?RGBE\n"), "under the heading #?RGBE");
}

TEST(LinearLight, IntegersGetNoLinearProfileAndSayWhatTheyCut) {
  const LogCapture log;
  const Image picture = read(stored("float_piz.exr"));
  const Image png = decode(encode(picture, {.format = "png"}), "png");
  EXPECT_NE(log.text().find("which png does not hold: they are cut off"), std::string::npos)
      << log.text();
  EXPECT_TRUE(png.metadata.icc.empty());
  EXPECT_EQ(png.sample_type, SampleType::U16);
  EXPECT_NEAR(png.at(0, 0, 8), coded(made(0, 0, 8)), 2e-5);
  EXPECT_EQ(png.at(0, 0, 20), 1.0F);
}

TEST(LinearLight, ItsProfileIsTheSameAtAnyTime) {
  const std::vector<std::uint8_t> icc = read(stored("float_piz.exr")).metadata.icc;
  ASSERT_GT(icc.size(), 128U);
  const std::vector<std::uint8_t> date(icc.begin() + 24, icc.begin() + 36);
  EXPECT_EQ(date, (std::vector<std::uint8_t>{0x07, 0xd0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0}));
}

TEST(OpenExr, TilesThatAreTooHighAreNoStrips) {
  const TemporaryFolder folder;
  Bytes file = read_file(stored("tiled.exr"));
  const std::string_view name("tiles\0tiledesc\0\x09\0\0\0", 19);
  const auto text = std::string_view(reinterpret_cast<const char*>(file.data()), file.size());
  const std::size_t at = text.find(name);
  ASSERT_NE(at, std::string_view::npos);
  const std::uint32_t rows = 3'000'000;
  std::memcpy(file.data() + at + name.size() + 4, &rows, 4);
  write_file_atomically(folder / "high.exr", file);
  EXPECT_EQ(StripReader(folder / "high.exr").obstacle(),
            "its tiles are 3000000 rows high, and a row of them is too much");
}

TEST(LinearLight, GoesThroughInStrips) {
  const TemporaryFolder folder;
  for (const std::string name : {"float_piz.exr", "tiled.exr", "plain.hdr", "turned.hdr"}) {
    const Image whole = read(stored(name));
    StripReader reader(stored(name));
    EXPECT_EQ(reader.obstacle(), "");
    EXPECT_TRUE(reader.frame().may_exceed);
    for (const std::string format : {"exr", "hdr", "tiff"}) {
      SCOPED_TRACE(name + format);
      StripReader rows(stored(name));
      const LogCapture log;
      write_strips(folder / "strips", rows.frame(), {.format = format},
                   [&] { return rows.next(3); });
      write(folder / "whole", whole, {.format = format});
      EXPECT_EQ(read_file(folder / "strips"), read_file(folder / "whole"));
    }
  }
}

}  // namespace
}  // namespace chiaro::image::linear_light_test
