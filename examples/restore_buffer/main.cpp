// Restores pixels that a program already has in memory, as a camera or a decoder hands them over:
// 8-bit RGB, row by row, the three channels of a pixel side by side. Here they come from a binary
// PPM on stdin and go to stdout: restore_buffer BUNDLE < noisy.ppm > clear.ppm
#include <cstdint>
#include <cstdio>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/restore/restorer.h"

namespace {

using chiaro::image::Image;

Image from_interleaved(const std::vector<std::uint8_t>& rgb, int height, int width) {
  Image picture(3, height, width);
  for (int c = 0; c < 3; ++c) {
    auto plane = picture.plane(c);
    for (std::size_t i = 0; i < plane.size(); ++i)
      plane[i] = static_cast<float>(rgb[3 * i + c]) / 255;
  }
  return picture;
}

std::vector<std::uint8_t> to_interleaved(const Image& picture) {  // values are in [0,1]
  std::vector<std::uint8_t> rgb(3 * picture.plane_size());
  for (int c = 0; c < 3; ++c) {
    const auto plane = picture.plane(c);
    for (std::size_t i = 0; i < plane.size(); ++i)
      rgb[3 * i + c] = static_cast<std::uint8_t>(plane[i] * 255 + 0.5F);
  }
  return rgb;
}

}  // namespace

int main(int argc, char** argv) {
  int width = 0;
  int height = 0;
  if (argc != 2 || std::scanf("P6 %d %d 255%*c", &width, &height) != 2 || width < 1 || height < 1) {
    std::fputs("usage: restore_buffer BUNDLE < INPUT.ppm > OUTPUT.ppm\n", stderr);
    return 2;
  }
  std::vector<std::uint8_t> rgb(std::size_t{3} * width * height);
  if (std::fread(rgb.data(), 1, rgb.size(), stdin) != rgb.size()) return 3;
  try {
    chiaro::restore::Restorer restorer = chiaro::restore::open_restorer(argv[1]);
    rgb = to_interleaved(restorer.restore(from_interleaved(rgb, height, width)));
  } catch (const chiaro::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.exit_status();
  }
  std::printf("P6\n%d %d\n255\n", width, height);
  std::fwrite(rgb.data(), 1, rgb.size(), stdout);
}
