// What is not damaged stays as it is: the bundle that ships, as `chiaro restore` uses it, on
// drawings and on undamaged photographs.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string_view>

#include "chiaro/image/codec.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::do_no_harm_test {
namespace {

namespace fs = std::filesystem;

// Bounds in dB against the input, as docs/restoring.md states them; a drawing comes out bit by bit.
constexpr double kPhotograph = 45;

class DoNoHarmSlow : public testing::Test {
 protected:
  void SetUp() override { ::setenv("CHIARO_BUNDLE_PATH", CHIARO_SOURCE_DIR "/models", 1); }
  void TearDown() override { ::unsetenv("CHIARO_BUNDLE_PATH"); }

  static double psnr(const image::Image& before, const image::Image& after) {
    double sum = 0;
    for (std::size_t i = 0; i < before.pixels().size(); ++i) {
      const double difference = double{before.pixels()[i]} - after.pixels()[i];
      sum += difference * difference;
    }
    return -10 * std::log10(sum / static_cast<double>(before.pixels().size()));
  }

  /// PSNR of the restored file against the file.
  double fidelity(const fs::path& file) const {
    const std::string out = folder_ / "out.png";
    const auto result =
        test::run_process({CHIARO_PROGRAM, "restore", file.string(), "-o", out, "--overwrite"});
    EXPECT_EQ(result.status, 0) << result.err;
    return psnr(image::read(file), image::read(out));
  }

  /// Of a picture of values in 0..255, as 8-bit PNG.
  double fidelity(const std::function<double(int channel, int y, int x)>& value) const {
    image::Image picture(3, 240, 320);
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < 240; ++y)
        for (int x = 0; x < 320; ++x)
          picture.at(c, y, x) = static_cast<float>(std::floor(value(c, y, x)) / 255);
    image::write(folder_ / "in.png", picture);
    return fidelity(folder_ / "in.png");
  }

  test::TemporaryFolder folder_;
};

/// The digits of pocket calculators, 3 x 5 points, row by row from the top.
bool is_ink(int digit, int y, int x) {
  static constexpr std::array<std::string_view, 10> kDigits{
      "111101101101111", "010110010010111", "111001111100111", "111001111001111",
      "101101111001001", "111100111001111", "111100111101111", "111001001001001",
      "111101111101111", "111101111001111"};
  if (y < 0 || y >= 5 || x < 0 || x >= 3) return false;
  return kDigits[static_cast<std::size_t>(digit)][static_cast<std::size_t>(3 * y + x)] == '1';
}

TEST_F(DoNoHarmSlow, DrawingsComeOutBitByBit) {
  const auto text = [](int, int y, int x) {
    return is_ink((x / 8 * 7 + y / 14 * 3) % 10, y % 14 / 2, x % 8 / 2) ? 20 : 250;
  };
  const auto screenshot = [&](int c, int y, int x) -> double {
    if (y < 20) return 40 + 10 * c;
    if (x < 60) return y / 12 % 2 == 0 ? 235 : 245;
    return text(c, y, x);
  };
  const auto circles = [](int, int y, int x) {
    const int radius = (x - 160) * (x - 160) + (y - 120) * (y - 120);
    return radius % 2500 < 120 ? 0 : 255;
  };
  const auto halftone = [](int, int y, int x) {
    return (x * 37 + y * 101) % 256 < x * 255 / 320 ? 255 : 0;
  };
  const auto stripes = [](int, int, int x) { return x % 2 * 255; };
  const auto checks = [](int, int y, int x) { return (x / 8 + y / 8) % 2 * 255; };
  for (const std::function<double(int, int, int)>& drawing :
       std::initializer_list<std::function<double(int, int, int)>>{text, screenshot, circles,
                                                                   halftone, stripes, checks})
    EXPECT_TRUE(std::isinf(fidelity(drawing)));
  for (const std::array<int, 3>& colour :
       {std::array{0, 0, 0}, {255, 255, 255}, {128, 128, 128}, {200, 30, 30}, {20, 30, 90}}) {
    EXPECT_TRUE(std::isinf(fidelity([&](int c, int, int) {
      return colour[static_cast<std::size_t>(c)];
    }))) << colour[0]
         << ", " << colour[1] << ", " << colour[2];
  }
}

TEST_F(DoNoHarmSlow, GradientsComeOutBitByBit) {
  const auto grey = [](double low, double high) {
    return [=](int, int, int x) { return low + x * (high - low) / 319; };
  };
  const auto coloured = [](int c, int y, int x) {
    return c == 0 ? x * 255.0 / 319 : c == 1 ? y * 255.0 / 239 : 128;
  };
  const auto pale = [](int c, int y, int x) {
    return (c == 2 ? 205 : 200) + (c == 1 ? y * 40.0 / 239 : x * 40.0 / 319);
  };
  const auto vignette = [](int c, int y, int x) {
    return 235 - 3 * c - 60 * std::hypot(x - 160, y - 120) / 250;
  };
  // Text whose edges are half covered, on a gradient: a page in a browser.
  const auto page = [&](int c, int y, int x) {
    double ink = 0;
    for (int dy = 0; dy < 4; ++dy)
      for (int dx = 0; dx < 4; ++dx)
        ink += is_ink((x / 12 * 7 + y / 20 * 3) % 10, (4 * (y % 20) + dy) / 11,
                      (4 * (x % 12) + dx - 3) / 11 - (4 * (x % 12) + dx < 3 ? 1 : 0))
                   ? 1.0 / 16
                   : 0;
    return (240 - 0.1 * y + 2 * c) * (1 - ink) + 30 * ink;
  };
  for (const std::function<double(int, int, int)>& drawing :
       std::initializer_list<std::function<double(int, int, int)>>{
           grey(0, 255), grey(0, 60), grey(120, 180), coloured, pale, vignette, page})
    EXPECT_TRUE(std::isinf(fidelity(drawing)));
}

TEST_F(DoNoHarmSlow, UndamagedPhotographsStayWithinTheBound) {
  int seen = 0;
  for (const auto& file : fs::directory_iterator(CHIARO_SOURCE_DIR "/examples/photos/clean")) {
    if (!image::has_picture_extension(file.path())) continue;
    ++seen;
    EXPECT_GE(fidelity(file.path()), kPhotograph) << file.path();
  }
  EXPECT_GT(seen, 0);
}

// A result that is coded as coarsely as its source has the source's blocks again.
TEST_F(DoNoHarmSlow, ACoarseJpegComesOutBetterAsAJpeg) {
  int pictures = 0;
  double gain_at_70 = 0;
  for (const auto& file : fs::directory_iterator(CHIARO_SOURCE_DIR "/examples/photos/clean")) {
    if (!image::has_picture_extension(file.path())) continue;
    const image::Image clean = image::read(file.path());
    for (const int quality : {12, 30, 50, 70}) {
      image::write(folder_ / "in.jpg", clean, {.quality = quality});
      const auto result = test::run_process({CHIARO_PROGRAM, "restore", folder_ / "in.jpg", "-o",
                                             folder_ / "out.jpg", "--overwrite"});
      ASSERT_EQ(result.status, 0) << result.err;
      const double gain = psnr(clean, image::read(folder_ / "out.jpg")) -
                          psnr(clean, image::read(folder_ / "in.jpg"));
      if (quality == 70) {
        gain_at_70 += gain;
      } else {
        EXPECT_GT(gain, 0.1) << file.path() << " at " << quality;
      }
      ++pictures;
    }
  }
  EXPECT_GE(pictures, 24);
  // Between worth it and not: less than what counts as worse.
  EXPECT_GT(4 * gain_at_70 / pictures, -0.1);
}

}  // namespace
}  // namespace chiaro::do_no_harm_test
